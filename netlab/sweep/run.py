"""A sweep from its grids to its comparison: planned, looked at, carried out, and kept true meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from netlab.comparison.assemblies import config_key
from netlab.comparison.comparison import Comparison, compare_directories
from netlab.comparison.sequential import Sureness
from netlab.engine.catalog import Catalog
from netlab.engine.hook_settings import Tables, hook_settings
from netlab.errors import NetlabError
from netlab.executors.place import Place, ended_on_failure, open_executor, share_at
from netlab.runs.directory import check_name
from netlab.runs.sweeps import SweepRecord, default_sweep_name, sweeps_folder, write_sweep
from netlab.sweep.driver import RunStatus, run_tasks
from netlab.sweep.grid import count_combinations, expand
from netlab.sweep.plan import PlannedRun, make_plan, predict_seconds
from netlab.sweep.statuses import status_of, task_of
from netlab.training.device import gpus_of
from netlab.training.resume import USUAL, ResumeRules

Watch = Callable[[RunStatus], None]  # called with each run whose status changed


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """What every run of a sweep is given. ``command`` are the words that would do the sweep again."""

    name: str | None = None
    baseline: str | None = None
    metrics: tuple[str, ...] = ()
    runs: Path = Path("runs")
    data_dir: Path = Path("data")
    offline: bool = False
    device: str = "auto"
    command: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()  # plugins that are not loaded
    plugin_files: tuple[str, ...] = ()  # absolute paths: those of --plugin, and beside the runs
    hook_settings: Tables = field(default_factory=dict)  # [plugins.NAME] of the grid's file
    rules: ResumeRules = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Where the runs are done, how many at once, and what each of them gets; None: shared out."""

    place: Place = field(default_factory=Place)
    count: int | None = None
    threads: int | None = None
    gpus_per_run: float | None = None


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What will be done: ``combinations`` of the grids (some mean the same run), the seconds that the rest
    takes with ``at_once`` runs at once of ``threads`` threads each."""

    runs: list[PlannedRun]
    combinations: int
    seconds: float
    at_once: int
    threads: int
    place: Place
    measures: bool


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """How the runs ended, in how many seconds, and the comparison of those that are finished, one a data set.

    ``notes`` say what was left out of it, ``no_comparison`` why there is none; ``sureness`` is what adding
    seeds has made clear.
    """

    name: str
    statuses: list[RunStatus]
    seconds: float
    comparisons: list[Comparison] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    no_comparison: str = ""
    sureness: Sureness | None = None


class SweepWatcher(Protocol):
    """Looks on, and decides whether a plan is carried out."""

    def timed(self, done: int, total: int) -> None:
        """So many assemblies are timed."""
        ...

    def planned(self, plan: SweepPlan) -> bool:
        """Whether the plan is to be carried out."""
        ...

    def running(self, statuses: Sequence[RunStatus]) -> AbstractContextManager[Watch]:
        """Around the runs; what it gives is called with each status that changed."""
        ...


def sweep(
    catalog: Catalog,
    grids: Sequence[Mapping[str, Any]],
    settings: SweepSettings,
    workers: Workers,
    watcher: SweepWatcher,
    *,
    among: frozenset[str] | None = None,
) -> SweepOutcome | None:
    """Plan the runs of the grids, and if ``watcher`` says so do them and compare them; else None.

    Finished runs are skipped, begun ones resumed. A failed run does not stop the others. With ``among``
    (``config_key``), only runs of these configurations are done, and finished ones compared.

    Raises:
        UsageError: an option out of range, an unknown name of anything; nothing was begun then.
    """
    hook_settings(catalog.manager, settings.hook_settings)  # wrong ones are refused before anything is begun
    for metric in settings.metrics:
        catalog.find("metric", metric)
    if settings.name is not None:
        check_name(settings.name)
    candidates = [candidate for tables in grids for candidate in expand(catalog, tables)]
    share = share_at(
        workers.place, len(candidates), workers=workers.count, threads=workers.threads,
        gpus=gpus_of(settings.device), gpus_each=workers.gpus_per_run,
    )  # fmt: skip
    executor = open_executor(workers.place, share, sweeps_folder(settings.runs) / "jobs")
    with ended_on_failure(executor):
        at_once = executor.capacity()  # a cluster that does not answer is reported before anything is timed
        runs = make_plan(
            catalog, candidates, runs=settings.runs, data_dir=settings.data_dir, offline=settings.offline,
            device=settings.device, threads=share.threads, baseline=settings.baseline, timed=watcher.timed,
        )  # fmt: skip
        runs = [run for run in runs if among is None or run.finished or config_key(run.config) in among]
        combinations = len(runs)
        if among is None:
            combinations = sum(count_combinations(catalog, tables) for tables in grids)
        seconds, measures = predict_seconds(runs, at_once), bool(settings.metrics)
        plan = SweepPlan(runs, combinations, seconds, at_once, share.threads, workers.place, measures)
        return carry_out(runs, executor, settings, watcher) if watcher.planned(plan) else None


def carry_out(
    planned: Sequence[PlannedRun], executor: Executor, settings: SweepSettings, watcher: SweepWatcher
) -> SweepOutcome:
    """Write the record of the sweep, do its runs, and compare those that are finished."""
    name = settings.name if settings.name is not None else default_sweep_name([run.name for run in planned])
    settings.runs.mkdir(parents=True, exist_ok=True)
    names = tuple(run.name for run in planned)
    write_sweep(SweepRecord(name, names, settings.baseline, settings.command), settings.runs)
    statuses = [status_of(run, settings.metrics) for run in planned]
    tasks = [
        task_of(
            run, runs=settings.runs, offline=settings.offline, device=settings.device,
            command=settings.command, blocked=settings.blocked, metrics=settings.metrics,
            plugin_files=settings.plugin_files, rules=settings.rules, hook_settings=settings.hook_settings,
        )
        for run in planned
    ]  # fmt: skip
    began = time.monotonic()
    with watcher.running(statuses) as watch:
        run_tasks(tasks, statuses, executor, watch)
    outcome = SweepOutcome(name, statuses, time.monotonic() - began)
    return compared(outcome, settings.baseline)


def compared(outcome: SweepOutcome, baseline: str | None) -> SweepOutcome:
    """The outcome with the comparison of its finished runs."""
    finished = [status.directory for status in outcome.statuses if status.state in ("finished", "skipped")]
    if not finished:
        return outcome
    notes: list[str] = []
    try:
        comparisons = compare_directories(finished, baseline=baseline, note=notes.append)
    except NetlabError as error:
        return replace(outcome, notes=notes, no_comparison=str(error))
    return replace(outcome, comparisons=comparisons, notes=notes)
