"""A process that dies costs only the task that it was doing."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import wait

# Spawned workers import functions by name: those of a test module they could not find.
from operator import add, truediv
from pathlib import Path

import pytest

from netlab.sweep.executors import WorkerLostError
from netlab.sweep.executors.local import LocalExecutor


def test_results_and_exceptions_come_back() -> None:
    with LocalExecutor(workers=1, threads=1) as executor:
        assert executor.submit(add, 2, 3).result() == 5
        with pytest.raises(ZeroDivisionError):
            executor.submit(truediv, 1, 0).result()
        assert executor.submit(add, 1, 1).result() == 2


def test_each_worker_is_another_process_with_its_threads() -> None:
    with LocalExecutor(workers=2, threads=1) as executor:
        first, second = executor.submit(time.sleep, 1), executor.submit(os.getpid)
        pid = second.result()
        assert pid != os.getpid()
        first.result()
        assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"


def test_a_killed_process_loses_one_task_and_is_replaced() -> None:
    with LocalExecutor(workers=1, threads=1) as executor:
        pid = executor.submit(os.getpid).result()
        doomed, next_one = executor.submit(time.sleep, 600), executor.submit(os.getpid)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerLostError, match="killed by SIGKILL"):
            doomed.result()
        assert next_one.result() != pid


def test_shutdown_with_cancel_ends_what_is_running() -> None:
    executor = LocalExecutor(workers=1, threads=1)
    pid = executor.submit(os.getpid).result()
    running, waiting = executor.submit(time.sleep, 600), executor.submit(time.sleep, 600)
    time.sleep(0.3)
    began = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 30
    wait([running])
    assert waiting.cancelled()
    assert not Path(f"/proc/{pid}").exists()
