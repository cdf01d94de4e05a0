"""The runs of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netlab.api.run import PARTS, Run
from netlab.api.table import Table
from netlab.errors import NetlabError, UsageError, first_line
from netlab.runs.config import read_config
from netlab.runs.directory import RunDirectory, find_run, is_detector
from netlab.runs.directory import list_runs as directories_in
from netlab.runs.history import read_history


def load_run(name: str | Path, *, runs: str | Path = "runs", accept_changed_parts: bool = False) -> Run:
    """A run by its name or path.

    What needs its network takes the parts of the suppliers that the run recorded, and refuses one whose code
    has changed.

    Args:
        name: a name in ``runs``, or a path.
        runs: the folder where runs are kept.
        accept_changed_parts: use changed parts all the same; that is warned of, and recorded in the run.

    Raises:
        UsageError: there is none (with the closest name), or it is a detector's.

    >>> trained = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> netlab.load_run(trained.name).result["epochs"]
    1
    """
    directory = find_run(str(name), Path(runs))
    if is_detector(directory):
        raise UsageError(f"'{directory.name}' is a detector: netlab.load_detector({directory.name!r})")
    return Run(directory.path, accept_changed_parts=accept_changed_parts)


def list_runs(runs: str | Path = "runs") -> Table:
    """The runs of a folder, oldest first, finished or not; detectors are not among them.

    Returns:
        A row a run: name, state, data, backbone, block, norm, seed, epochs, test_accuracy, parameters,
        each as far as it is known.

    >>> trained = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> trained.name in netlab.list_runs("runs")["name"]
    True
    """
    columns = ("name", "state", *PARTS, "seed", "epochs", "test_accuracy", "parameters")
    directories = [each for each in directories_in(Path(runs)) if not is_detector(each)]
    caption = "" if directories else f"there is no run in '{runs}'"
    return Table([row_of(directory) for directory in directories], columns, caption=caption)


def row_of(directory: RunDirectory) -> dict[str, Any]:
    """A row of ``list_runs``; what is damaged is said in its state."""
    try:
        config = read_config(directory.config)
        row: dict[str, Any] = {"name": directory.name, "state": "unfinished"}
        row |= {table: config[table]["name"] for table in PARTS}
        row["seed"] = config["training"]["seed"]
        row["epochs"] = len(read_history(directory.history))
        if directory.is_finished:
            result = directory.read_result()
            row |= {"state": "finished", **{key: result.get(key) for key in ("test_accuracy", "parameters")}}
    except NetlabError as error:
        return {"name": directory.name, "state": first_line(error)}
    return row
