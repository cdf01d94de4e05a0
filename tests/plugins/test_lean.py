"""The parts of the recipe 'lean': whitening against a covariance by NumPy, identities, and who learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from netlab_builtin.backbones.lean import WhiteningConv, lean
from netlab_builtin.backbones.options import LeanOptions
from netlab_builtin.blocks.conv import ConvBlock
from netlab_builtin.blocks.options import ConvOptions
from netlab_builtin.norms.batch import batch_norm
from netlab_builtin.norms.options import BatchNormOptions
from netlab_builtin.optimizers.muon import muon
from netlab_builtin.optimizers.options import MuonOptions
from torch import nn

from netlab.kinds.backbone import ImageInitialized


def smooth_images(count: int = 200, channels: int = 3) -> torch.Tensor:
    """Images whose neighbouring pixels are alike, as in photographs."""
    noise = torch.randn(count, channels, 12, 12, generator=torch.Generator().manual_seed(0))
    mixed = torch.einsum("nchw,cd->ndhw", noise, torch.eye(channels) + 0.7)
    return nn.functional.avg_pool2d(mixed, 3, stride=1, padding=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_outputs_are_uncorrelated_of_variance_one_in_both_signs(channels: int) -> None:
    layer, images = WhiteningConv(channels, eps=1e-9), smooth_images(channels=channels)
    assert isinstance(layer, ImageInitialized)
    layer.initialize_from(images)
    outputs = layer(images)
    half = 4 * channels
    assert outputs.shape == (200, 2 * half, 11, 11)
    torch.testing.assert_close(outputs[:, half:], -outputs[:, :half])
    values = outputs[:, :half].detach().double().transpose(0, 1).reshape(half, -1).numpy()
    np.testing.assert_allclose(values @ values.T / values.shape[1], np.eye(half), atol=1e-4)


def test_constant_images_give_finite_filters() -> None:
    layer = WhiteningConv(3, eps=5e-4)
    layer.initialize_from(torch.zeros(4, 3, 8, 8))
    assert layer.filters.isfinite().all()


def test_filters_are_kept_in_the_state_and_not_learnt() -> None:
    layer = WhiteningConv(3, eps=5e-4)
    layer.initialize_from(smooth_images())
    other = WhiteningConv(3, eps=5e-4)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.filters, layer.filters)
    assert [name for name, _ in layer.named_parameters()] == ["bias"]


def no_norm(channels: int, size: tuple[int, int]) -> nn.Module:
    return nn.Identity()


def conv_block(
    channels: int, out_channels: int, *, size: tuple[int, int], stride: int = 1, dirac: bool = True
) -> ConvBlock:
    return ConvBlock(
        channels, out_channels, size=size, norm=no_norm, activation=nn.Identity,
        options=ConvOptions(dirac=dirac), stride=stride,
    )  # fmt: skip


def test_a_dirac_block_begins_as_the_identity_on_its_first_channels() -> None:
    x = torch.randn(2, 4, 6, 6)
    block = conv_block(4, 6, size=(6, 6))
    block.conv.bias.data.zero_()
    torch.testing.assert_close(block(x)[:, :4], x)
    assert not torch.allclose(conv_block(4, 4, size=(6, 6), dirac=False)(x), x, atol=0.1)


@pytest.mark.parametrize("side", [9, 24, 32, 33])
def test_the_backbone_takes_other_sizes_than_it_was_built_for(side: int) -> None:
    network = lean(
        in_channels=3, image_size=(32, 32), classes=7, block=conv_block, norm=no_norm, activation=nn.SiLU,
        options=LeanOptions(width=4),
    )  # fmt: skip
    assert network(torch.randn(2, 3, side, side)).shape == (2, 7)


def test_without_whitening_the_first_convolution_learns() -> None:
    network = lean(
        in_channels=1, image_size=(16, 16), classes=2, block=conv_block, norm=no_norm, activation=nn.SiLU,
        options=LeanOptions(width=4, whiten=False),
    )  # fmt: skip
    assert network.conv1.weight.shape == (8, 1, 2, 2)
    assert network.conv1.weight.requires_grad


def test_a_norm_without_scale_learns_biases_alone() -> None:
    norm = batch_norm(5, (4, 4), where="block", options=BatchNormOptions(scale=False))
    assert [name for name, p in norm.named_parameters() if p.requires_grad] == ["bias"]
    assert torch.equal(norm.weight, torch.ones(5))


def test_normalized_filters_keep_the_root_of_their_number_as_norm_and_dense_layers_do_not() -> None:
    filters, dense = nn.Parameter(torch.randn(16, 4, 3, 3)), nn.Parameter(torch.randn(3, 4))
    groups = [
        {"name": "filters", "params": [filters], "weight_decay": 0.0, "rate": 1.0},
        {"name": "dense", "params": [dense], "weight_decay": 0.0, "rate": 1.0},
    ]
    optimizer = muon(groups, lr=0.1, options=MuonOptions(normalize=True))
    before = dense.detach().clone()
    for p in (filters, dense):
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert float(filters.detach().norm()) == pytest.approx(4.0, rel=1e-5)
    torch.testing.assert_close(dense.detach(), before - 0.01 * 1.85)  # rest_lr .1, Nesterov's .85
