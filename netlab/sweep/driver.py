"""Runs the tasks of a sweep on any executor.

How far a run is gets read from the run directories, which every executor writes, so it looks the same for a
process here, a task of a cluster and a job of a queue.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Literal

from netlab.errors import NetlabError, first_line
from netlab.executors import WorkerLostError
from netlab.executors.retry import RETRIES
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history
from netlab.sweep.task import RunTask, TaskResult, execute

RunState = Literal["waiting", "running", "finished", "skipped", "failed"]
POLL = 0.5  # seconds between two looks at the run directories


@dataclass(slots=True)
class RunStatus:
    """A run of the sweep as it stands. ``attempts`` counts submissions."""

    directory: RunDirectory
    state: RunState
    epochs: int
    epoch: int = 0
    accuracy: float | None = None
    error: str = ""
    attempts: int = 0

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def ended(self) -> bool:
        return self.state in ("finished", "skipped", "failed")


def run_tasks(
    tasks: Sequence[RunTask],
    statuses: Sequence[RunStatus],
    executor: Executor,
    watch: Callable[[RunStatus], None],
    *,
    retries: int = RETRIES,
    poll: float = POLL,
) -> None:
    """Do every task whose status is ``waiting`` and keep the statuses true.

    ``watch`` is called with every status that changed. A failed run is kept and does not stop the rest;
    a run whose worker was lost is submitted again, up to ``retries`` times, and resumes from its
    checkpoint.
    """
    pending: dict[Future[TaskResult], int] = {}
    config_times: dict[int, int] = {}

    def submit(position: int) -> None:
        status = statuses[position]
        status.attempts += 1
        status.state = "waiting"
        config_times[position] = modified(status.directory)
        pending[executor.submit(execute, tasks[position])] = position

    for position, status in enumerate(statuses):
        if status.state == "waiting":
            submit(position)
    while pending:
        done, _ = wait(pending, timeout=poll, return_when=FIRST_COMPLETED)
        for future in done:
            position = pending.pop(future)
            try:
                result = future.result()
            except WorkerLostError as lost:
                if statuses[position].attempts <= retries:
                    statuses[position].error = str(lost)
                    submit(position)
                    watch(statuses[position])
                    continue
                result = TaskResult("failed", f"{lost}, {statuses[position].attempts} times")
            except Exception as error:
                result = TaskResult("failed", first_line(error))
            end(statuses[position], result)
            watch(statuses[position])
        for position in pending.values():
            if follow(statuses[position], config_times[position]):
                watch(statuses[position])


def end(status: RunStatus, result: TaskResult) -> None:
    """Note how a run ended."""
    status.state, status.error = result.state, result.error
    refresh(status)


def follow(status: RunStatus, config_time: int) -> bool:
    """Look how far a submitted run is; whether its status changed.

    A run that has started has written its configuration since ``config_time``, when it was submitted.
    """
    before = (status.state, status.epoch)
    if status.state == "waiting" and modified(status.directory) != config_time:
        status.state = "running"
    if status.state == "running":
        refresh(status)
    return before != (status.state, status.epoch)


def modified(directory: RunDirectory) -> int:
    """When the run's configuration was written, in nanoseconds; 0 if it has none."""
    try:
        return directory.config.stat().st_mtime_ns
    except OSError:
        return 0


def refresh(status: RunStatus) -> None:
    """Epochs done, and the test accuracy of a finished run, from the run directory."""
    with contextlib.suppress(NetlabError, OSError):
        status.epoch = len(read_history(status.directory.history))
    if status.state in ("finished", "skipped"):
        with contextlib.suppress(NetlabError, OSError):
            status.accuracy = status.directory.read_result().get("test_accuracy")
