"""Checkpoints give back what was saved, and say what is wrong with a damaged one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from torch import nn

from netlab.errors import NetlabError
from netlab.training.checkpoint import (
    Progress,
    checkpoint_content,
    content_of,
    load_checkpoint,
    load_weights,
    read_tensors,
)


def trained() -> tuple[nn.Sequential, torch.optim.SGD]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    step(network, optimizer)
    return network, optimizer


def step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    optimizer.zero_grad()
    network(x).square().sum().backward()
    optimizer.step()


def test_a_resumed_optimizer_makes_the_same_step_to_the_bit(tmp_path: Path) -> None:
    network, optimizer = trained()
    progress, state = Progress(3, 2, (0.5, -1.25)), {"hard": torch.arange(3)}
    (tmp_path / "last").write_bytes(checkpoint_content(network, optimizer, state, progress))
    other, other_optimizer = trained()
    step(other, other_optimizer)  # something else, to be overwritten
    found, kept = load_checkpoint(tmp_path / "last", other, other_optimizer)
    assert found == progress
    assert kept["hard"].tolist() == [0, 1, 2]
    step(network, optimizer)
    step(other, other_optimizer)
    for name, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_a_truncated_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    network, optimizer = trained()
    path = tmp_path / "last.safetensors"
    path.write_bytes(checkpoint_content(network, optimizer, {}, Progress()))
    whole = path.read_bytes()
    for size in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(NetlabError, match="truncated or damaged.*delete the run directory"):
            load_checkpoint(path, network, optimizer)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network, optimizer = trained()
    path = tmp_path / "last"
    path.write_bytes(checkpoint_content(network, optimizer, {}, Progress()))
    said = re.escape(f"{path} does not fit the network: ") + ".*size mismatch"
    other = nn.Sequential(nn.ReLU(), nn.Linear(3, 2))
    with pytest.raises(NetlabError, match=said):
        load_weights(path, other)
    with pytest.raises(NetlabError, match=said):
        load_checkpoint(path, other, optimizer)


def test_state_of_a_parameter_that_the_network_has_not_is_refused(tmp_path: Path) -> None:
    network, optimizer = trained()
    path = tmp_path / "last"
    path.write_bytes(checkpoint_content(network, optimizer, {}, Progress()))
    tensors, progress = read_tensors(path)
    path.write_bytes(content_of(tensors | {"optimizer.momentum_buffer.9.weight": torch.zeros(1)}, progress))
    said = re.escape(f"{path} does not fit the network: it has no parameter '9.weight'")
    with pytest.raises(NetlabError, match=said):
        load_checkpoint(path, network, optimizer)


def test_optimizer_state_keeps_its_type_and_takes_the_memory_format_of_its_parameter(tmp_path: Path) -> None:
    network, optimizer = trained()
    weight = network[0].weight
    state = optimizer.state[weight]
    state["momentum_buffer"] = kept = state["momentum_buffer"].double()
    state["scales"] = torch.tensor([0.5, 2.0])
    (tmp_path / "last").write_bytes(checkpoint_content(network, optimizer, {}, Progress()))
    load_checkpoint(tmp_path / "last", network, optimizer)
    found = optimizer.state[weight]["momentum_buffer"]
    assert found.dtype is torch.float64
    assert torch.equal(found, kept)
    assert found.stride() == weight.stride()
    assert optimizer.state[weight]["scales"].tolist() == [0.5, 2.0]


def test_a_file_of_somebody_else_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors", {"format": "theirs"})
    with pytest.raises(NetlabError, match=r"not a checkpoint of this netlab \(its format is 'theirs', not"):
        load_weights(tmp_path / "x.safetensors", nn.Linear(1, 1))


def test_better_is_a_greater_score_and_the_first_is_always_best() -> None:
    best = Progress(4, 4, (0.9, -0.3))
    assert best.improved_by((0.91, -9.0))
    assert best.improved_by((0.9, -0.2))
    assert not best.improved_by((0.9, -0.3))
    assert not best.improved_by((0.8, -0.1))
    assert Progress().improved_by((-5.0,))
    assert not Progress().improved_by(None)  # a task whose last weights count


@pytest.mark.parametrize(
    "make", [partial(torch.optim.SGD, momentum=0.9), torch.optim.Adam, torch.optim.Adagrad]
)
def test_whatever_bit_is_flipped_the_checkpoint_is_refused(
    tmp_path: Path, make: Callable[..., torch.optim.Optimizer]
) -> None:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    optimizer = make(network.parameters(), lr=0.1)
    network(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / "last.safetensors"
    path.write_bytes(
        checkpoint_content(network, optimizer, {"hard": torch.arange(4)}, Progress(1, 1, (0.5,)))
    )
    whole = path.read_bytes()
    rng = random.Random(0)
    padding = range(whole.index(b"}}") + 2, 8 + int.from_bytes(whole[:8], "little"))
    places = [place for place in range(len(whole)) if place not in padding]
    for place in [*rng.sample(places, 200), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(NetlabError, match="damaged|not a checkpoint"):
            load_checkpoint(path, network, optimizer)


def test_a_tensor_that_is_gone_or_new_is_noticed(tmp_path: Path) -> None:
    network, optimizer = trained()
    path = tmp_path / "last.safetensors"
    path.write_bytes(checkpoint_content(network, optimizer, {}, Progress(1)))
    with safetensors.safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    (gone, *_) = [name for name in tensors if name.startswith("optimizer.")]
    for changed in (
        {name: value for name, value in tensors.items() if name != gone},
        tensors | {"optimizer.x.0.weight": torch.zeros(1)},
        tensors | {gone: tensors[gone].double()},
    ):
        safetensors.torch.save_file(changed, path, metadata)
        with pytest.raises(NetlabError, match="its content is not that of its digest"):
            load_checkpoint(path, network, optimizer)
    safetensors.torch.save_file(tensors, path, metadata)
    load_checkpoint(path, network, optimizer)  # it was the change that was refused


@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.Adagrad, torch.optim.RMSprop])
def test_any_optimizer_makes_the_same_steps_after_its_state_was_loaded(
    tmp_path: Path, make: Callable[..., torch.optim.Optimizer]
) -> None:
    network, _ = trained()
    optimizer = make(network.parameters(), lr=0.1)
    step(network, optimizer)
    (tmp_path / "last").write_bytes(checkpoint_content(network, optimizer, {}, Progress(1)))
    other, _ = trained()
    other_optimizer = make(other.parameters(), lr=0.1)
    load_checkpoint(tmp_path / "last", other, other_optimizer)
    for _ in range(2):
        step(network, optimizer)
        step(other, other_optimizer)
    for name, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_a_state_that_is_no_tensor_is_refused_and_not_forgotten(tmp_path: Path) -> None:
    network, optimizer = trained()
    optimizer.state[network[0].weight]["count"] = 3
    with pytest.raises(NetlabError, match=f"the optimizer {type(optimizer).__name__} keeps 'count' as int"):
        (tmp_path / "last").write_bytes(checkpoint_content(network, optimizer, {}, Progress(1)))
