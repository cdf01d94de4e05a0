"""One run of a sweep, as a worker does it: plain data in, plain data out."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netlab.errors import NetlabError, first_line
from netlab.runs.config import Config, read_config
from netlab.runs.directory import RunDirectory
from netlab.runs.separability import read_separability
from netlab.runs.sessions import catalog_for
from netlab.training.resume import USUAL, ResumeRules


@dataclass(frozen=True, slots=True)
class RunTask:
    """Everything that a worker needs to know.

    ``folder`` is the absolute folder that relative paths start from, wherever the worker is.
    ``command`` are the words of the sweep, kept in the run's ``environment.json``; ``metrics`` are
    measured on every layer after the training.
    """

    config: Config
    folder: str
    runs: str
    offline: bool
    device: str
    command: tuple[str, ...]
    blocked_plugins: tuple[str, ...] = ()
    plugin_files: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    rules: ResumeRules = USUAL

    @property
    def name(self) -> str:
        return str(self.config["run"]["name"])

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(Path(self.folder) / self.runs / self.name)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a run ended; ``error`` is one line, empty for a finished one."""

    state: Literal["finished", "failed"]
    error: str = ""


def execute(task: RunTask) -> TaskResult:
    """Train (or resume) the run and measure its metrics; a run that is finished is left as it is.

    A failure is a result, not an exception, so that it looks the same from every executor: only the
    loss of a worker raises. Its traceback goes to ``error.txt`` in the run directory.
    """
    # What environment.json calls the command is the sweep's, not that of the executor's own process.
    sys.argv = list(task.command)
    os.chdir(task.folder)
    error_file = task.directory.path / "error.txt"
    try:
        train_and_measure(task)
    except Exception as error:
        if task.directory.path.is_dir():
            error_file.write_text("".join(traceback.format_exception(error)))
        hint = "" if isinstance(error, NetlabError) else f" (see {error_file})"
        return TaskResult("failed", first_line(error) + hint)
    error_file.unlink(missing_ok=True)
    return TaskResult("finished")


def is_done(run: RunDirectory) -> bool:
    """Whether a run is finished and its configuration and result are whole."""
    if not (run.exists and run.is_finished):
        return False
    try:
        read_config(run.config)
        return isinstance(run.read_result().get("test_accuracy"), int | float)
    except (NetlabError, OSError):
        return False


def missing_metrics(run: RunDirectory, metrics: Sequence[str]) -> list[str]:
    """Those of ``metrics`` that the run's ``separability.csv`` does not hold yet."""
    try:
        measured = {row["metric"] for row in read_separability(run.separability)}
    except NetlabError:  # damaged: it is measured again
        measured = set()
    return [metric for metric in metrics if metric not in measured]


def train_and_measure(task: RunTask) -> None:
    """Do what the task says."""
    from netlab.engine.blame import plugin_error
    from netlab.engine.catalog import Catalog
    from netlab.engine.manager import PluginManager

    catalog = Catalog(PluginManager.from_environment(task.blocked_plugins, task.plugin_files))
    try:
        if not is_done(task.directory):
            # What a damaged result says is made again from the checkpoint.
            task.directory.result.unlink(missing_ok=True)
            train_run(task, catalog)
        if missing := missing_metrics(task.directory, task.metrics):
            measure_run(task, catalog, missing)
    except Exception as error:
        if named := plugin_error(error, catalog.manager):
            raise named from error
        raise


def train_run(task: RunTask, catalog: Any) -> None:
    """Train the run from its configuration, which holds every value."""
    from netlab.classification.experiment import train_classifier

    train_classifier(
        catalog_for(catalog, task.runs, task.name),
        {table: values for table, values in task.config.items() if table != "run"},
        runs=Path(task.runs),
        name=task.name,
        data_dir=Path(task.config["run"]["data_dir"]),
        offline=task.offline,
        device=task.device,
        rules=task.rules,
    )


def measure_run(task: RunTask, catalog: Any, metrics: Sequence[str]) -> None:
    """Measure every layer as ``netlab metrics`` does by default, and write the same table."""
    from netlab.separability.bound_metric import bind_metrics
    from netlab.separability.layer_report import raise_failures
    from netlab.separability.measure import measure
    from netlab.separability.settings import MeasurementSettings
    from netlab.separability.subject import Subject

    accept = (lambda change: None) if task.rules.accept_changed_parts else None
    run = Subject(run=str(task.directory.path), offline=task.offline, accept_changed=accept)
    bound = bind_metrics(metrics, catalog)
    raise_failures(measure(run, bound, MeasurementSettings(), catalog, plots=False).reports)
