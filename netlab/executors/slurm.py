"""A Slurm queue, by submitit: every call is a job.

submitit's own executors for one machine, ``local`` (processes) and ``debug`` (in this process), stand in for
the queue with ``cluster=local`` or ``cluster=debug``.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlab.errors import NetlabError, UsageError, closest
from netlab.executors import WorkerLostError
from netlab.executors.call import perform
from netlab.executors.share import Share
from netlab.executors.slots import SlotExecutor

CLUSTERS = ("slurm", "local", "debug")
HOURS = 4  # of a job, if nothing else is said; a run that takes longer is queued again and goes on
POLL = 1.0  # seconds between two looks at a job's files
ASK = 60.0  # seconds between two questions to Slurm
SLOW_FILES = 15.0  # seconds until a network file system shows what a job has written


class SlurmExecutor(SlotExecutor):
    """Every call is a job with ``share.threads`` CPUs and, with ``share.gpus_each``, one GPU.

    ``options`` are those of sbatch as submitit names them (``partition``, ``account``, ``time`` in minutes,
    ``mem``, ``gres``, ...), and ``cluster``. ``folder`` must be seen by the jobs too; a job that a signal
    tells to leave (its time is over, it is preempted) is queued again.

    Raises:
        UsageError: submitit is not installed, an option is unknown, or there is no Slurm here.
    """

    def __init__(self, share: Share, folder: Path, options: Mapping[str, str] | None = None) -> None:
        if importlib.util.find_spec("submitit") is None:
            raise UsageError("--executor slurm needs submitit: pip install 'netlab-vision[slurm]'")
        if 0 < share.gpus_each < 1:
            raise UsageError("--gpus-per-run: Slurm gives whole GPUs; give 1, or use --executor ray or local")
        options = dict(options or {})
        self._cluster = options.pop("cluster", "slurm")
        # Two runs in one process would draw from the same generators.
        super().__init__(1 if self._cluster == "debug" else share.workers)
        self._threads_each = share.threads
        self._folder = folder.absolute()
        self._submitit = make_submitit(self._folder, self._cluster, share, options)
        self._lock = threading.Lock()  # submitit's jobs share what they know of the queue
        self._jobs: list[Any] = []
        self._asked = time.monotonic()

    def perform(self, call: bytes) -> bytes:
        with self._lock:
            if self.stopping.is_set():
                raise WorkerLostError("the executor is shutting down")
            job = submit(self._submitit, Resumable(call, self._threads_each))
            self._jobs.append(job)
        while not self._is_done(job):
            time.sleep(POLL if self._cluster == "slurm" else POLL / 5)
        with self._lock:
            self._jobs.remove(job)
        return self._answer_of(job)

    def _is_done(self, job: Any) -> bool:
        if self._cluster == "debug":  # it is done in this process, when it is asked for
            return True
        with self._lock:
            ask = time.monotonic() - self._asked > ASK
            if ask:
                self._asked = time.monotonic()
            return bool(job.done(force_check=ask))

    def _answer_of(self, job: Any) -> bytes:
        """The answer that the job left in a file, which is removed with its other files."""
        import submitit

        if self._cluster != "debug":
            deadline = time.monotonic() + (SLOW_FILES if self._cluster == "slurm" else 0.0)
            while not job.paths.result_pickle.exists():
                if time.monotonic() >= deadline or self.stopping.is_set():
                    raise WorkerLostError(f"its job {job.job_id} ended without a result")
                time.sleep(POLL)
        try:
            answer = bytes(job.result())
        except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError) as error:
            lines = [line for line in str(error).splitlines() if line.strip(" -")]
            raise NetlabError(
                f"job {job.job_id} failed: {lines[-1].strip()} (see {job.paths.stderr})"
            ) from None
        for path in self._folder.glob(f"{job.job_id}_*"):
            path.unlink(missing_ok=True)
        return answer

    def end_running(self) -> None:
        with self._lock:
            for job in self._jobs:
                job.cancel(check=False)


class Resumable:
    """What a job does. submitit calls ``checkpoint`` before a job leaves early, and queues what it gives."""

    def __init__(self, call: bytes, threads: int) -> None:
        self.call, self.threads = call, threads

    def __call__(self) -> bytes:
        return perform(self.call, self.threads)

    def checkpoint(self) -> Any:
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def make_submitit(folder: Path, cluster: str, share: Share, options: Mapping[str, str]) -> Any:
    """submitit's executor.

    Raises:
        UsageError: there is no such cluster, no Slurm here, or an option is unknown.
    """
    if cluster not in CLUSTERS:
        raise UsageError(f"--slurm cluster={cluster}: expected {', '.join(CLUSTERS)}")
    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise UsageError(
            "--executor slurm: there is no Slurm here (no 'sbatch'); --slurm cluster=local tries it without"
        )
    if cluster == "local":
        let_children_be_interrupted()
    os.environ.setdefault("SUBMITIT_LOG_LEVEL", "ERROR")
    import submitit

    logging.getLogger("submitit").setLevel(logging.ERROR)
    known = set(submitit.SlurmExecutor._valid_parameters())
    for key in options:
        if key not in known:
            raise UsageError(f"--slurm {key}=...: sbatch has no such option here.{closest(key, known)}")
    minutes = options.get("time", str(60 * HOURS))
    if not minutes.isdigit():
        raise UsageError(f"--slurm time={minutes}: expected minutes, a whole number")
    folder.mkdir(parents=True, exist_ok=True)
    executor = submitit.AutoExecutor(folder, cluster=cluster)
    executor.update_parameters(
        name="netlab",
        timeout_min=int(minutes),
        cpus_per_task=share.threads,
        gpus_per_node=1 if share.gpus_each else 0,
        **{f"slurm_{key}": int(text) if text.isdigit() else text for key, text in options.items()},
    )
    return executor


def let_children_be_interrupted() -> None:
    """Where SIGINT is ignored, as it is for what a script starts with ``&``, ignore it by a handler instead.

    Children inherit that a signal is ignored, but no handler; and submitit cancels its local jobs by SIGINT.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


def submit(executor: Any, work: Resumable) -> Any:
    """Queue the work.

    Raises:
        NetlabError: Slurm refuses it.
    """
    import submitit

    try:
        return executor.submit(work)
    except submitit.core.utils.FailedJobError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise NetlabError(f"Slurm refuses the job: {lines[-1] if lines else error}") from None
