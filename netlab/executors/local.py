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
from multiprocessing.connection import Connection

from netlab.executors import WorkerLostError
from netlab.executors.call import perform
from netlab.executors.share import Share
from netlab.executors.slots import SlotExecutor


class LocalExecutor(SlotExecutor):
    """``share.workers`` processes with ``share.threads`` threads each, and a GPU or a part of one.

    A process is started when it is first needed, and again after it was lost.
    """

    def __init__(self, share: Share) -> None:
        super().__init__(share.workers)
        self._share = share
        self._own = threading.local()
        self._lock = threading.Lock()
        self._slots_used = 0
        self._started: list[Worker] = []

    def perform(self, call: bytes) -> bytes:
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None or not worker.process.is_alive():
            worker = self._own.worker = self._start_worker()
        return worker.perform(call)

    def _start_worker(self) -> Worker:
        with self._lock:
            if self.stopping.is_set():
                raise WorkerLostError("the executor is shutting down")
            if not hasattr(self._own, "slot"):
                self._own.slot = self._slots_used
                self._slots_used += 1
            worker = Worker(self._share.threads, self._share.gpu_of(self._own.slot))
            self._started.append(worker)
            return worker

    def end_running(self) -> None:
        with self._lock:
            for worker in self._started:
                worker.process.terminate()

    def close(self) -> None:
        for worker in self._started:
            worker.stop()


class Worker:
    """A process that does one call after another."""

    def __init__(self, threads: int, gpu: int | None) -> None:
        # spawn: a forked child of a process whose PyTorch has started its threads would hang.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, threads, gpu), daemon=True)
        self.process.start()
        theirs.close()

    def perform(self, call: bytes) -> bytes:
        """Do the packed call there.

        Raises:
            WorkerLostError: the process died.
        """
        try:
            self._connection.send_bytes(call)
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            self.process.join()
            raise WorkerLostError(death_of(self.process.exitcode)) from None

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
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpu(gpu)
    while True:
        try:
            call = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(perform(call, threads))


def visible_gpu(gpu: int) -> str:
    """The name of the ``gpu``-th GPU that this process may see, for CUDA_VISIBLE_DEVICES."""
    allowed = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return allowed[gpu].strip() if gpu < len(allowed) else str(gpu)


def end_with_parent() -> None:
    """A killed sweep must not leave workers that go on training."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
