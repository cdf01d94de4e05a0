"""From the plan to the work: the task and the first status of every planned run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netlab.engine.hook_settings import Tables
from netlab.sweep.driver import RunStatus, refresh
from netlab.sweep.plan import PlannedRun
from netlab.sweep.task import RunTask, missing_metrics
from netlab.training.resume import ResumeRules


def status_of(run: PlannedRun, metrics: tuple[str, ...]) -> RunStatus:
    """Skipped when there is nothing to do, failed when it can not be built, else waiting."""
    status = RunStatus(run.directory, "waiting", run.epochs, error=run.problem)
    if run.problem:
        status.state = "failed"
    elif run.finished and not missing_metrics(run.directory, metrics):
        status.state = "skipped"
    refresh(status)
    return status


def task_of(
    run: PlannedRun,
    *,
    runs: Path,
    offline: bool,
    device: str,
    command: tuple[str, ...],
    blocked: Iterable[str],
    metrics: tuple[str, ...],
    plugin_files: tuple[str, ...],
    rules: ResumeRules,
    hook_settings: Tables,
) -> RunTask:
    """The run as a task for a worker."""
    return RunTask(
        config={**run.config, "plugins": dict(hook_settings)},
        folder=str(Path.cwd()),
        runs=str(runs),
        offline=offline,
        device=device,
        command=command,
        blocked_plugins=tuple(blocked),
        metrics=metrics,
        plugin_files=plugin_files,
        rules=rules,
    )
