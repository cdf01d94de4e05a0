"""The report's blocks compute their formulas."""

from __future__ import annotations

import pytest
import torch
from netlab_builtin.blocks.grouped import GroupedPathBlock
from netlab_builtin.blocks.options import GroupedPathOptions, ResidualOptions
from netlab_builtin.blocks.residual import ResidualBlock
from torch import Tensor, nn
from torch.nn import functional as F


def no_norm(channels: int, size: tuple[int, int]) -> nn.Module:
    return nn.Identity()


def batch_norm(channels: int, size: tuple[int, int]) -> nn.Module:
    return nn.BatchNorm2d(channels)


def path_by_hand(path: nn.Sequential, x: Tensor) -> Tensor:
    hidden = F.elu(F.conv2d(x, path.conv1.weight, path.conv1.bias, padding=1))
    return F.conv2d(hidden, path.conv2.weight, path.conv2.bias, padding=1)


def test_residual_is_activation_of_path_plus_input() -> None:
    block = ResidualBlock(4, 4, size=(6, 6), norm=no_norm, activation=nn.ELU, options=ResidualOptions())
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), F.elu(path_by_hand(block.path, x) + x))


def test_without_skip_nothing_is_added() -> None:
    block = ResidualBlock(
        4, 4, size=(6, 6), norm=no_norm, activation=nn.ELU, options=ResidualOptions(skip=False)
    )
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), F.elu(path_by_hand(block.path, x)))


@pytest.mark.parametrize("paths", [1, 2, 5])
def test_grouped_is_activation_of_the_sum_of_paths_plus_input(paths: int) -> None:
    block = GroupedPathBlock(
        4, 4, size=(6, 6), norm=no_norm, activation=nn.ELU, options=GroupedPathOptions(paths=paths)
    )
    x = torch.randn(2, 4, 6, 6)
    expected = F.elu(sum(path_by_hand(path, x) for path in block.paths) + x)
    torch.testing.assert_close(block(x), expected)
    assert len(block.paths) == paths


def test_a_norm_follows_every_convolution() -> None:
    block = GroupedPathBlock(
        4, 4, size=(6, 6), norm=batch_norm, activation=nn.ELU, options=GroupedPathOptions(paths=3)
    )
    assert sum(isinstance(module, nn.BatchNorm2d) for module in block.modules()) == 6


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_stride_and_channels_change_through_a_projection(stride: int) -> None:
    block = ResidualBlock(
        4, 6, size=(7, 7), norm=no_norm, activation=nn.ELU, options=ResidualOptions(), stride=stride
    )
    side = -(-7 // stride)
    assert block(torch.randn(1, 4, 7, 7)).shape == (1, 6, side, side)
    assert isinstance(block.skip, nn.Conv2d)


def test_the_chosen_activation_is_used_throughout() -> None:
    block = ResidualBlock(4, 4, size=(6, 6), norm=no_norm, activation=nn.ReLU, options=ResidualOptions())
    assert sum(isinstance(module, nn.ReLU) for module in block.modules()) == 2
    assert not any(isinstance(module, nn.ELU) for module in block.modules())
