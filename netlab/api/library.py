"""The runs of a folder: loaded, listed, verified, put into the trash."""

from __future__ import annotations

from pathlib import Path

from netlab.api.run import PARTS, Run
from netlab.api.table import Table
from netlab.errors import UsageError
from netlab.runs.directory import find_run, is_detector


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


def list_runs(runs: str | Path = "runs", *, where: str | None = None) -> Table:
    """The runs of a folder, oldest first, finished or not; detectors are not among them.

    Args:
        runs: the folder where runs are kept.
        where: a condition, as of ``netlab runs list``: ``norm=bn and test_accuracy>.9``. Names are those of
            the columns, of figures of ``result``, and of options: ``block.paths``.

    Returns:
        A row a run: name, state, data, backbone, block, norm, seed, epochs, test_accuracy, parameters,
        each as far as it is known; ``state`` says how far it is, or what is damaged.

    Raises:
        UsageError: ``where`` is no condition, or asks for what no run has.

    >>> trained = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> trained.name in netlab.list_runs("runs")["name"]
    True
    >>> trained.name in netlab.list_runs("runs", where="norm=bn and seed=0 and test_accuracy>=0")["name"]
    True
    """
    from netlab.runs.library import rows_of
    from netlab.runs.where import parse_where

    condition = None if where is None else parse_where(where)
    columns = ("name", "state", *PARTS, "seed", "epochs", "test_accuracy", "parameters")
    rows = [row for row in rows_of((Path(runs),), condition) if row.get("kind") != "detector"]
    caption = "" if rows else f"there is no {'such ' if where else ''}run in '{runs}'"
    return Table([{name: row.get(name) for name in columns} for row in rows], columns, caption=caption)


def remove_run(name: str | Path, *, runs: str | Path = "runs") -> Path:
    """Move a run or detector into the trash, the folder ``.trash`` beside it; nothing is deleted.

    Returns:
        Where it is then. ``restore_run`` takes it back.

    Raises:
        UsageError: there is none (with the closest name), or a process is working on it.

    >>> trained = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, name="spare", quiet=True)
    >>> netlab.remove_run("spare").parent.name, netlab.restore_run("spare").name
    ('.trash', 'spare')
    """
    from netlab.runs.library import remove

    return remove(find_run(str(name), Path(runs)))


def restore_run(name: str, *, runs: str | Path = "runs") -> Path:
    """Take a run or detector back out of the trash of ``runs``; gives its folder.

    Raises:
        UsageError: there is none of that name in the trash, or another one in ``runs`` by now.
    """
    from netlab.runs.library import restore

    return restore(name, Path(runs))


def verify_run(name: str | Path, *, runs: str | Path = "runs") -> list[str]:
    """Compare every file of a run or detector with what netlab wrote.

    Returns:
        A line for each file that is not so; none where all are.

    Raises:
        UsageError: there is no such run (with the closest name).

    >>> trained = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> netlab.verify_run(trained.name)
    []
    """
    from netlab.runs.library import verify

    return list(verify(find_run(str(name), Path(runs))).problems)
