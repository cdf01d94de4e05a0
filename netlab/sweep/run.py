"""A sweep from its plan to its end: the record is written, the runs are done, their statuses kept true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from netlab.comparison.assemblies import group_assemblies
from netlab.comparison.comparison import find_baseline
from netlab.runs.directory import check_name
from netlab.runs.record import RunRecord
from netlab.runs.sweeps import SweepRecord, default_sweep_name, write_sweep
from netlab.sweep.driver import RunStatus, run_tasks
from netlab.sweep.plan import PlannedRun
from netlab.sweep.statuses import status_of, task_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """What every run of a sweep is given. ``command`` are the words that would do the sweep again."""

    name: str | None = None
    baseline: str | None = None
    metrics: tuple[str, ...] = ()
    runs: Path = Path("runs")
    offline: bool = False
    device: str = "auto"
    command: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()  # plugins that are not loaded


def sweep_name(name: str | None, planned: Sequence[PlannedRun]) -> str:
    """The sweep's name, by default one that is the same for the same runs.

    Raises:
        UsageError: it is no file's name.
    """
    if name is None:
        name = default_sweep_name([run.name for run in planned])
    check_name(name)
    return name


def check_baseline(planned: Sequence[PlannedRun], baseline: str | None) -> None:
    """Refuse a baseline that the comparison would not find, before hours are spent.

    Raises:
        UsageError: no assembly or run of the plan has this name.
    """
    find_baseline(group_assemblies([RunRecord(run.directory, run.config) for run in planned]), baseline)


def first_statuses(planned: Sequence[PlannedRun], settings: SweepSettings) -> list[RunStatus]:
    """The statuses of the runs before anything is done."""
    return [status_of(run, settings.metrics) for run in planned]


def run_sweep(
    planned: Sequence[PlannedRun],
    statuses: Sequence[RunStatus],
    executor: Executor,
    settings: SweepSettings,
    watch: Callable[[RunStatus], None] = lambda status: None,
) -> str:
    """Write the record of the sweep and do its runs; gives the sweep's name.

    ``statuses`` (``first_statuses``) are kept true, also where this is interrupted; ``watch`` is called with
    each that changed. A failed run does not stop the others.
    """
    name = sweep_name(settings.name, planned)
    settings.runs.mkdir(parents=True, exist_ok=True)
    runs = tuple(run.name for run in planned)
    write_sweep(SweepRecord(name, runs, settings.baseline, settings.command), settings.runs)
    tasks = [
        task_of(
            run, runs=settings.runs, offline=settings.offline, device=settings.device,
            command=settings.command, blocked=settings.blocked, metrics=settings.metrics,
        )
        for run in planned
    ]  # fmt: skip
    run_tasks(tasks, statuses, executor, watch)
    return name
