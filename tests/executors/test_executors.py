"""Every executor keeps the same promises: results, exceptions, and a dead process costs one call only."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import wait
from operator import add, truediv
from pathlib import Path
from typing import Any

import pytest

from netlab.errors import UsageError
from netlab.executors import WorkerLostError
from netlab.executors.local import LocalExecutor
from netlab.executors.place import Place, check_place, open_executor, share_at
from netlab.executors.share import Share, share_out
from netlab.executors.slots import SlotExecutor
from netlab.executors.slurm import SlurmExecutor

from .conftest import PLACES, pid_in, sleeper, wait_for

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")


def test_results_and_exceptions_come_back(executor: SlotExecutor) -> None:
    assert executor.submit(add, 2, 3).result() == 5
    with pytest.raises(ZeroDivisionError):
        executor.submit(truediv, 1, 0).result()
    assert executor.submit(add, 1, 1).result() == 2


def test_the_work_is_done_in_another_process_with_its_threads(executor: SlotExecutor) -> None:
    assert executor.submit(os.getpid).result() != os.getpid()
    assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"


def test_a_killed_process_costs_one_call(executor: SlotExecutor, tmp_path: Path) -> None:
    doomed = executor.submit(exec, sleeper(tmp_path / "pid"))
    os.kill(pid_in(tmp_path / "pid"), signal.SIGKILL)
    with pytest.raises(WorkerLostError):
        doomed.result(timeout=60)
    assert executor.submit(add, 2, 3).result() == 5


@pytest.fixture(params=[False, True], ids=["", "in the background"])
def in_background(request: pytest.FixtureRequest) -> Iterator[None]:
    """As in a script that starts netlab with ``&``: SIGINT is ignored, which children inherit."""
    before = signal.getsignal(signal.SIGINT)
    if request.param:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@needs_proc
@pytest.mark.usefixtures("in_background")
@pytest.mark.parametrize("name", ["local", "submitit"])
def test_shutdown_with_cancel_ends_what_is_running(name: str, tmp_path: Path) -> None:
    executor = open_executor(PLACES[name], Share(1, 1), tmp_path / "jobs")
    running = executor.submit(exec, sleeper(tmp_path / "pid"))
    waiting = executor.submit(exec, sleeper(tmp_path / "never"))
    pid = pid_in(tmp_path / "pid")
    began = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 30
    wait([running])
    assert waiting.cancelled()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert not (tmp_path / "never").exists()


def test_a_local_worker_that_is_replaced_keeps_its_gpu(tmp_path: Path) -> None:
    with LocalExecutor(Share(workers=2, threads=1, gpus=2, gpus_each=1.0)) as executor:
        busy = executor.submit(exec, sleeper(tmp_path / "first"))
        pid_in(tmp_path / "first")
        other = executor.submit(exec, sleeper(tmp_path / "second"))
        os.kill(pid_in(tmp_path / "second"), signal.SIGKILL)
        wait([other])
        assert executor.submit(os.getenv, "CUDA_VISIBLE_DEVICES").result() == "1"
        executor.end_running()
        wait([busy])


def test_a_slurm_job_that_is_told_to_leave_is_queued_again(tmp_path: Path) -> None:
    pid, starts = tmp_path / "pid", tmp_path / "starts"
    program = f"""
import pathlib
starts = pathlib.Path({str(starts)!r})
with starts.open("a") as file: file.write("started\\n")
if len(starts.read_text().split()) == 1:
    {sleeper(pid).strip().replace(chr(10), "; ")}
"""
    with SlurmExecutor(Share(1, 1), tmp_path / "jobs", {"cluster": "local"}) as executor:
        work = executor.submit(exec, program)
        os.kill(pid_in(pid), signal.SIGUSR2)
        assert work.result(timeout=60) is None
    assert starts.read_text().split() == ["started", "started"]


def test_the_files_of_a_slurm_job_go_when_it_is_done(tmp_path: Path) -> None:
    with SlurmExecutor(Share(1, 1), tmp_path, {"cluster": "local"}) as executor:
        executor.submit(add, 1, 2).result()
    assert not list(tmp_path.glob("*result*"))
    assert not list(tmp_path.glob("*submitted*"))


def test_the_debug_cluster_works_in_this_process(tmp_path: Path) -> None:
    with SlurmExecutor(Share(2, 1), tmp_path, {"cluster": "debug"}) as executor:
        assert executor.submit(os.getpid).result() == os.getpid()
        with pytest.raises(ZeroDivisionError):
            executor.submit(truediv, 1, 0).result()
        assert executor.capacity() == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pieces": 9}, (4, 1)),
        ({"pieces": 3}, (3, 1)),
        ({"pieces": 1}, (1, 4)),
        ({"pieces": 9, "workers": 2}, (2, 2)),
        ({"pieces": 9, "threads": 3}, (4, 3)),
        ({"pieces": 9, "gpus": 2}, (2, 2)),
        ({"pieces": 9, "gpus": 2, "gpus_each": 0.5}, (4, 1)),
        ({"pieces": 9, "gpus": 1, "gpus_each": 0.4}, (2, 2)),
        ({"pieces": 9, "gpus": 1, "gpus_each": 0.0}, (4, 1)),
    ],
    ids=str,
)
def test_a_machine_of_four_processors_is_shared_out(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], expected: tuple[int, int]
) -> None:
    monkeypatch.setattr("netlab.executors.share.usable_processors", lambda: 4)
    share = share_out(**options)
    assert (share.workers, share.threads) == expected


def test_parts_of_gpus_are_filled_one_after_the_other() -> None:
    share = share_out(9, gpus=2, gpus_each=0.5)
    assert [share.gpu_of(slot) for slot in range(4)] == [0, 0, 1, 1]
    assert share_out(9).gpu_of(0) is None


def test_elsewhere_the_threads_are_the_same_and_all_pieces_wait_at_once() -> None:
    here = share_at(Place(), 40)
    there = share_at(Place("ray", "127.0.0.1:6379"), 40)
    assert there.threads == here.threads
    assert there.workers == 40


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (Place("local", ray_address="auto"), "--ray-address belongs to --executor ray"),
        (Place("ray", slurm=("a=b",)), "--slurm belongs to --executor slurm"),
        (Place("slurm", slurm=("partition",)), "expected KEY=VALUE"),
        (Place("slurm", slurm=("cluster=moon",)), "expected slurm, local, debug"),
        (Place("slurm", slurm=("cluster=local", "partitio=x")), "Did you mean 'partition'"),
        (Place("slurm", slurm=("cluster=local", "time=1h")), "expected minutes"),
    ],
    ids=str,
)
def test_what_does_not_fit_an_executor_is_refused(place: Place, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        open_executor(place, Share(1, 1), tmp_path)


def test_a_share_of_a_gpu_needs_a_gpu() -> None:
    with pytest.raises(UsageError, match="no GPUs here"):
        share_at(Place(), 4, gpus=0, gpus_each=0.5)
    assert share_at(Place("slurm"), 4, gpus=0, gpus_each=1.0).gpus_each == 1.0


def test_slurm_gives_whole_gpus(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whole GPUs"):
        SlurmExecutor(Share(1, 1, 1, 0.5), tmp_path, {"cluster": "local"})


@pytest.mark.parametrize(("name", "extra"), [("ray", "cluster"), ("slurm", "slurm")])
def test_a_missing_extra_is_named(
    name: Any, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=rf"pip install 'netlab-vision\[{extra}\]'"):
        open_executor(Place(name), Share(1, 1), tmp_path)


def test_places_are_checked_before_anything_is_opened() -> None:
    check_place(Place("ray", "auto"))
    check_place(Place("slurm", slurm=("cluster=local",)))
