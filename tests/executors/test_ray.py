"""Ray: a cluster of our own stays on this machine and leaves nothing; one that is there is used."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from operator import add
from pathlib import Path

import pytest

from netlab.errors import NetlabError
from netlab.executors import ray as ray_module
from netlab.executors.ray import RayExecutor
from netlab.executors.share import Share
from netlab.executors.slots import SlotExecutor

from .conftest import pid_in, sleeper, wait_for

LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")


def descendants() -> set[int]:
    """The processes that this one started, directly or not."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {os.getpid()}} - found:
        found |= more
    return found


def listening(processes: set[int]) -> set[str]:
    """The addresses at which the processes listen, as the kernel writes them."""
    sockets = set()
    for pid in processes:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                sockets.add(str(descriptor.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.add(words[1])
    return found


def folders_of(processes: set[int]) -> set[str]:
    """Ray's own folders that their command lines name."""
    found: set[str] = set()
    for pid in processes:
        found |= set(re.findall(r"/tmp/ray-\w+", command_line(pid)))
    return found


def command_line(pid: int) -> str:
    """Of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks for sockets in /proc")
def test_a_cluster_of_our_own_is_on_loopback_only_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = descendants()
    executor = RayExecutor(Share(workers=2, threads=1))
    assert executor.submit(add, 1, 2).result() == 3
    started = descendants() - before
    folders = folders_of(started)
    assert len(folders) == 1
    addresses = listening(started)
    assert len(addresses) >= 3
    assert all(address.split(":")[0] in LOOPBACK for address in addresses)
    assert executor.submit(os.getenv, "RAY_USAGE_STATS_ENABLED").result() == "0"
    assert len(executor.submit(os.getenv, "RAY_AUTH_TOKEN").result()) == 64

    running = executor.submit(exec, sleeper(tmp_path / "pid"))
    pid_in(tmp_path / "pid")
    began = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 30
    assert running.exception() is not None
    # The standard library's own tracker of shared memory stays as long as this process.
    started = {pid for pid in started if "resource_tracker" not in command_line(pid)}
    wait_for(lambda: not any(command_line(pid) for pid in started), 10)
    assert not any(Path(folder).exists() for folder in folders)
    assert capfd.readouterr() == ("", "")


def test_two_runs_share_a_gpu(opened: Callable[[str], SlotExecutor]) -> None:
    executor = opened("ray")
    first, second = executor.submit(time.sleep, 1), executor.submit(os.getenv, "CUDA_VISIBLE_DEVICES")
    assert second.result() == "0"
    first.result()


@pytest.fixture
def address(opened: Callable[[str], SlotExecutor], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster that is there already."""
    cluster = opened("ray")
    found = cluster.submit(eval, "__import__('ray').get_runtime_context().gcs_address").result()
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.setenv(name, cluster.submit(os.getenv, name).result())
    return found


def test_a_cluster_that_is_there_is_used_and_left_alone(
    address: str, opened: Callable[[str], SlotExecutor]
) -> None:
    with RayExecutor(Share(workers=9, threads=1), address) as executor:
        assert executor.capacity() == 2  # its processors, not our wish
        assert executor.submit(add, 1, 2).result() == 3
    assert opened("ray").submit(add, 1, 2).result() == 3


def test_work_that_fits_on_no_node_is_refused(address: str) -> None:
    executor = RayExecutor(Share(workers=1, threads=64), address)
    with pytest.raises(NetlabError, match=r"needs 64 CPUs.*at most 2 CPUs"):
        executor.capacity()
    executor.shutdown()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:6379", "127.0.0.1:99999999"])
def test_an_address_where_nobody_is_is_refused_at_once(address: str) -> None:
    executor = RayExecutor(Share(1, 1), address)
    with pytest.raises(NetlabError, match=f"no Ray cluster answers at {address}"):
        executor.capacity()
    executor.shutdown()


def test_an_address_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray_module, "ANSWER", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        executor = RayExecutor(Share(1, 1), address)
        began = time.monotonic()
        with pytest.raises(NetlabError, match=f"no Ray cluster answers at {address} within 3 s"):
            executor.capacity()
        assert time.monotonic() - began < 10
        executor.shutdown()
    assert capfd.readouterr() == ("", "")
