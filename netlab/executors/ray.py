"""Ray Core: an existing cluster by its address, or one started on this machine for the time of the work.

Ray's driver lives in a process of its own (``ray_driver.py``): what it writes on the terminal from C++,
its ends by abort when a cluster goes away, and its waiting of minutes for an address where nothing
answers touch that process only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import multiprocessing
import os
import signal
import socket
import threading
import time
from concurrent.futures import Future
from multiprocessing.connection import Connection

from netlab.errors import NetlabError, UsageError
from netlab.executors import WorkerLostError
from netlab.executors.ray_driver import RayRequest, drive
from netlab.executors.share import Share
from netlab.executors.slots import SlotExecutor

ANSWER = 30.0  # seconds that a cluster has to answer
START = 120.0  # seconds that a cluster of our own has to start
STOP = 20.0  # seconds that Ray has to shut down


class RayExecutor(SlotExecutor):
    """Every call is a Ray task with ``share.threads`` CPUs and ``share.gpus_each`` GPUs.

    Without an ``address`` a cluster is started on 127.0.0.1 when it is first needed, which has the CPUs
    of ``share.workers`` workers, and ends with the executor.

    Raises:
        UsageError: Ray is not installed.
        NetlabError: (on first use) the address does not answer, or no node can take such a task.
    """

    def __init__(self, share: Share, address: str | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--executor ray needs Ray: pip install 'netlab-vision[cluster]'")
        super().__init__(share.workers)
        self._request = RayRequest(share.workers, share.threads, share.gpus, share.gpus_each, address)
        self._lock = threading.Lock()
        self._driver: Driver | None = None

    def perform(self, call: bytes) -> bytes:
        return self._running_driver().perform(call)

    def capacity(self) -> int:
        return min(self._running_driver().capacity, self.slots) if self._request.address else self.slots

    def _running_driver(self) -> Driver:
        with self._lock:
            if self.stopping.is_set():
                raise WorkerLostError("the executor is shutting down")
            if self._driver is None or not self._driver.is_alive():
                self._driver = Driver(self._request)
            return self._driver

    def end_running(self) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._driver is not None:
                self._driver.stop()
                self._driver = None


class Driver:
    """The process that is connected to Ray; ``capacity`` tasks fit on the cluster at once."""

    def __init__(self, request: RayRequest) -> None:
        deadline = time.monotonic() + (ANSWER if request.address else START)
        if request.address:
            refuse_silent_port(request.address)
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=drive, args=(theirs, request), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.capacity = self._first_answer(request, deadline)
        except BaseException:
            self._kill()
            raise
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._open: dict[int, Future[bytes]] = {}
        self._ended = False
        self._reader = threading.Thread(target=self._read, args=(self._connection,), daemon=True)
        self._reader.start()

    def _first_answer(self, request: RayRequest, deadline: float) -> int:
        """Wait until Ray is there; gives the number of tasks that fit on it at once."""
        if not self._connection.poll(max(deadline - time.monotonic(), 0.0)):
            if request.address:
                raise NetlabError(f"no Ray cluster answers at {request.address} within {ANSWER:.0f} s")
            raise NetlabError(f"Ray did not start within {START:.0f} s")
        try:
            capacity, problem = self._connection.recv()
        except (EOFError, OSError):
            capacity, problem = 0, "its process ended without a word"
        if problem:
            raise NetlabError(f"Ray{f' at {request.address}' if request.address else ''}: {problem}")
        return int(capacity)

    def is_alive(self) -> bool:
        return self._process.is_alive() and not self._ended

    def perform(self, call: bytes) -> bytes:
        """Have the packed call done by a Ray task."""
        future: Future[bytes] = Future()
        with self._lock:
            if self._ended:
                raise WorkerLostError("the connection to Ray was lost")
            number = next(self._numbers)
            self._open[number] = future
            try:
                self._connection.send((number, call))
            except OSError:
                raise WorkerLostError("the connection to Ray was lost") from None
        return future.result()

    def _read(self, connection: Connection) -> None:
        """Hand every answer to whom waits for it, until the driver ends."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, answer, lost = connection.recv()
                future = self._open.pop(number)
                if lost:
                    future.set_exception(WorkerLostError(lost))
                else:
                    future.set_result(answer)
        with self._lock:
            self._ended = True
            waiting, self._open = self._open, {}
        for future in waiting.values():
            future.set_exception(WorkerLostError("the connection to Ray was lost"))

    def stop(self) -> None:
        """Disconnect, which ends the running tasks, and a cluster of our own with it."""
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._process.join(STOP)
        if self._process.is_alive():
            self._kill()
        self._reader.join()
        self._connection.close()

    def _kill(self) -> None:
        """End the process and what it started: it leads a process group."""
        pid = self._process.pid
        with contextlib.suppress(OSError):
            if os.name == "posix" and pid is not None and os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()


def refuse_silent_port(address: str) -> None:
    """Say at once when nobody listens at ``HOST:PORT``; other forms are Ray's to judge.

    Raises:
        NetlabError: nobody does, or there is no such host.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
    except OverflowError:
        raise NetlabError(f"no Ray cluster answers at {address}: {port} is not a port") from None
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        raise NetlabError(f"no Ray cluster answers at {address}: {reason.lower()}") from None
