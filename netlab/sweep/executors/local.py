"""Processes on this machine.

The standard library's ``ProcessPoolExecutor`` fails every task when one of its processes dies; here a
dead process costs only the task that it was doing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from netlab.sweep.executors import WorkerLostError


class LocalExecutor(Executor):
    """``workers`` processes, each with ``threads`` threads for PyTorch, and one GPU each in turn.

    A thread of this process looks after each worker process, which is started when it is first
    needed and again after it was lost.
    """

    def __init__(self, workers: int, threads: int, gpus: int = 0) -> None:
        self._threads, self._gpus = threads, gpus
        self._slots = ThreadPoolExecutor(workers, thread_name_prefix="sweep-slot")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._started: list[Worker] = []
        self._stopping = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._slots.submit(self._do, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """With ``cancel_futures`` the running work is ended too: a run resumes from its checkpoint."""
        if cancel_futures:
            self._stopping = True
            for worker in self._started:
                worker.process.terminate()
        self._slots.shutdown(wait, cancel_futures=cancel_futures)
        for worker in self._started:
            worker.stop()

    def _do(self, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None or not worker.process.is_alive():
            worker = self._own.worker = self._start_worker()
        return worker.call(function, arguments, keywords)

    def _start_worker(self) -> Worker:
        with self._lock:
            if self._stopping:
                raise WorkerLostError("the executor is shutting down")
            index = len(self._started)
            worker = Worker(self._threads, index % self._gpus if self._gpus else None)
            self._started.append(worker)
            return worker


class Worker:
    """A process that does one call after another."""

    def __init__(self, threads: int, gpu: int | None) -> None:
        # spawn: a forked child of a process whose PyTorch has started its threads would hang.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, threads, gpu), daemon=True)
        self.process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Do ``function(*arguments, **keywords)`` there.

        Raises:
            WorkerLostError: the process died; whatever the function raised is raised here too.
        """
        try:
            self._connection.send((function, arguments, keywords))
            succeeded, value = self._connection.recv()
        except (EOFError, OSError):
            self.process.join()
            raise WorkerLostError(death_of(self.process.exitcode)) from None
        if succeeded:
            return value
        raise value

    def stop(self) -> None:
        """Let the process end when it is idle."""
        with contextlib.suppress(OSError):
            self._connection.close()
        self.process.join()


def death_of(exit_code: int | None) -> str:
    """How a process ended, in words."""
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return f"its process was killed by {signal.Signals(-exit_code).name}"
    return f"its process ended with exit code {exit_code}"


def serve(connection: Connection, threads: int, gpu: int | None) -> None:
    """The worker process: do what comes through the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends its workers
    threading.Thread(target=end_with_parent, daemon=True).start()
    if gpu is not None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", str(gpu))
    limit_threads(threads)
    while True:
        try:
            function, arguments, keywords = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(*arguments, **keywords)
        except BaseException as error:
            answer = False, error
        connection.send(answer)


def end_with_parent() -> None:
    """A killed sweep must not leave workers that go on training."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def limit_threads(threads: int) -> None:
    """Share the processor out: the threads of PyTorch and NumPy, which read this when they are imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
