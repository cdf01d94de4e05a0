"""Two processes with shares of different sizes compute what one process does. In float64."""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netlab.launch import Launch, read_launch
from netlab.training.batch_norm import plain_batch_norm, synchronize_batch_norms
from netlab.training.ranks import ALONE, Ranks, joined
from netlab.training.resume import changed_execution

SCRIPT = Path(__file__).with_name("on_ranks.py")
WORLD = 2

Results = list[dict[str, Tensor]]


def launched(rank: int, port: int) -> dict[str, str]:
    """The environment of a process, as torchrun makes it."""
    return os.environ | {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(WORLD), "LOCAL_WORLD_SIZE": str(WORLD),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder, port = tmp_path_factory.mktemp("ranks"), free_port()
    words = [sys.executable, str(SCRIPT), str(folder)]
    processes = [subprocess.Popen(words, env=launched(rank, port)) for rank in range(WORLD)]
    assert [process.wait(timeout=600) for process in processes] == [0] * WORLD
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.fixture(scope="module")
def alone(script: dict[str, Any]) -> dict[str, Tensor]:
    """The same steps in one process, with PyTorch's own batch norms."""
    network, found = script["build"](), {}
    for position, (images, labels) in enumerate(zip(*script["batches"](), strict=True)):
        images.requires_grad_()
        nn.functional.cross_entropy(network(images), labels).backward()
        found[f"input {position}"] = images.grad
        images.grad = None
    found |= {f"gradient {name}": parameter.grad for name, parameter in network.named_parameters()}
    found |= network.state_dict()
    found["evaluated"] = network.eval()(script["batches"]()[0][0]).detach()
    return found


def close(ours: Tensor, theirs: Tensor) -> None:
    # The loss of nine images through four norms in a row is not smooth: 1e-9 is far above its rounding.
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_shares_cover_the_batch_and_differ_by_one_at_most(results: Results) -> None:
    shares = [found["share"] for found in results]
    assert sorted(map(len, shares)) == [4, 5]
    assert torch.cat(shares).tolist() == list(range(9))


def test_gradients_are_those_of_the_whole_batch(results: Results, alone: dict[str, Tensor]) -> None:
    names = [name for name in alone if name.startswith("gradient ")]
    assert len(names) > 10
    for found in results:
        for name in names:
            close(found[name], alone[name])


def test_gradients_of_the_images_are_those_of_the_whole_batch(
    results: Results, alone: dict[str, Tensor]
) -> None:
    for position in range(2):
        close(torch.cat([found[f"input {position}"] for found in results]), alone[f"input {position}"])


def test_running_statistics_are_those_of_the_whole_batch(results: Results, alone: dict[str, Tensor]) -> None:
    names = [name for name in alone if "running" in name or "tracked" in name]
    assert len(names) == 4 * 3
    for found in results:
        for name in names:
            close(found[name], alone[name])


def test_evaluation_needs_no_other_process(results: Results, alone: dict[str, Tensor]) -> None:
    for found in results:
        close(found["evaluated"], alone["evaluated"])


def test_bf16_is_normalized_as_by_one_process(results: Results, script: dict[str, Any]) -> None:
    expected = script["through_bf16_norm"](nn.BatchNorm2d(4), script["batches"]()[0][0])
    for name, whole in zip(("bf16 output", "bf16 gradient"), expected, strict=True):
        ours = torch.cat([found[name] for found in results])
        assert ours.dtype == torch.bfloat16
        # Two roundings to 8 bits, of terms of about 1.
        torch.testing.assert_close(ours.float(), whole.float(), rtol=2**-7, atol=2**-7)


def test_names_and_order_of_weights_stay(results: Results, alone: dict[str, Tensor], script: Any) -> None:
    names = list(script["build"]().state_dict())
    assert [name for name in results[0] if name in names] == names


def test_sums_and_differences_over_processes(results: Results) -> None:
    for found in results:
        assert found["sum"].tolist() == [0 + 1, 20]
        assert found["same"] == 0
        assert found["only the rank differs"]


def test_one_process_of_a_machine_goes_before_the_others(results: Results) -> None:
    before = [int(found["marks before"]) for found in results]
    assert before[0] == 0
    assert min(before[1:]) >= 1


def test_exactly_one_process_is_the_first_to_fail(results: Results) -> None:
    assert sum(bool(found["first to fail"]) for found in results) == 1


def test_a_norm_with_a_forward_of_its_own_is_left_alone(script: dict[str, Any]) -> None:
    own, inherited = script["OwnForward"](2), script["Inherited"](2)
    network = nn.Sequential(own, inherited, nn.GroupNorm(1, 2), nn.InstanceNorm2d(2))
    synchronize_batch_norms(network, torch.device("cpu"))
    assert network[0] is own
    assert network[1] is not inherited
    assert network[1].weight is inherited.weight
    assert isinstance(network[2], nn.GroupNorm)
    assert isinstance(network[3], nn.InstanceNorm2d)
    assert not plain_batch_norm(network[1])  # a second time changes nothing


def test_on_a_gpu_pytorchs_own_layer_is_taken() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2))
    synchronize_batch_norms(network, torch.device("cuda"))
    assert type(network[0]) is nn.SyncBatchNorm


def test_alone_nothing_is_wrapped_or_split() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2))
    assert ALONE.parallel(network) is network
    assert ALONE.synchronize_norms(network)[0].__class__ is nn.BatchNorm2d
    assert list(range(7))[ALONE.share(7)] == list(range(7))
    with joined("cpu") as ranks:
        assert ranks is ALONE


@pytest.mark.parametrize(
    ("recorded", "ranks", "changed"),
    [
        ({"sync_bn": True}, Ranks(0, 2, sync_bn=False), ["sync_bn: True -> False"]),
        ({"sync_bn": False}, Ranks(0, 2, sync_bn=False), []),
        ({"sync_bn": None}, Ranks(0, 2, sync_bn=False), []),  # begun in one process
        ({"sync_bn": False}, ALONE, []),  # and ended in one, with a note
        ({"device": "cpu"}, Ranks(0, 2), []),
    ],
)
def test_local_and_synchronized_norms_are_not_mixed_in_a_run(
    recorded: dict[str, Any], ranks: Ranks, changed: list[str]
) -> None:
    here = {"device": "cpu", "precision": "fp32", "sync_bn": ranks.sync_bn if ranks.world > 1 else None}
    assert changed_execution({"precision": "fp32", **recorded}, here) == changed


def test_the_launch_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")  # alone it means nothing: some other tool's
    assert read_launch() == Launch()
    for name, value in {"WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert read_launch() == Launch(3, 4, 1, 2)
