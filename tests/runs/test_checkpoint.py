"""Checkpoints give back what was saved, and say what is wrong with a damaged one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from netlab.errors import NetlabError
from netlab.training.checkpoint import Progress, load_checkpoint, load_weights, save_checkpoint


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
    save_checkpoint(tmp_path / "last", network, optimizer, Progress(3, 2, 0.5, 1.25))
    other, other_optimizer = trained()
    step(other, other_optimizer)  # something else, to be overwritten
    assert load_checkpoint(tmp_path / "last", other, other_optimizer) == Progress(3, 2, 0.5, 1.25)
    step(network, optimizer)
    step(other, other_optimizer)
    for name, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_a_truncated_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    network, optimizer = trained()
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, network, optimizer, Progress())
    whole = path.read_bytes()
    for size in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(NetlabError, match="truncated or damaged.*delete the run directory"):
            load_checkpoint(path, network, optimizer)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network, optimizer = trained()
    save_checkpoint(tmp_path / "last", network, optimizer, Progress())
    with pytest.raises(NetlabError, match="does not fit the network"):
        load_weights(tmp_path / "last", nn.Sequential(nn.Linear(3, 2)))


def test_a_file_of_somebody_else_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    import safetensors.torch

    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(NetlabError, match="not a checkpoint of netlab"):
        load_weights(tmp_path / "x.safetensors", nn.Linear(1, 1))


def test_better_is_more_accurate_or_as_accurate_with_less_loss() -> None:
    best = Progress(4, 4, 0.9, 0.3)
    assert best.improved_by(0.91, 9.0)
    assert best.improved_by(0.9, 0.2)
    assert not best.improved_by(0.9, 0.3)
    assert not best.improved_by(0.8, 0.1)
