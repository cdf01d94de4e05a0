"""The fast ELU is ELU."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from netlab.training.elu import BLOCK, BlockwiseELU, elu_forward, use_blockwise_elu


@pytest.mark.parametrize("shape", [(3, 5, 7, 9), (2, 64, 64, 33), (17,), (1, 1, 1, 1)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_values_are_elu_rounded_to_bf16(shape: tuple[int, ...], channels_last: bool) -> None:
    x = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 4).bfloat16()
    if channels_last and len(shape) == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    assert BLOCK < 2 * 64 * 64 * 33  # one shape takes more than one block
    exact = F.elu(x.double())
    out = elu_forward(x)
    assert out.stride() == x.stride()
    # Half a unit in the last place of bf16 (2^-9 relative) and float32's own rounding of exp(x) - 1.
    torch.testing.assert_close(out.double(), exact, rtol=2**-8, atol=2**-23)


def test_special_values() -> None:
    x = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), -200.0, 3.0e38], dtype=torch.bfloat16)
    torch.testing.assert_close(elu_forward(x), F.elu(x))
    assert torch.isnan(elu_forward(torch.tensor([float("nan")], dtype=torch.bfloat16))).all()


def test_gradients_equal_pytorchs() -> None:
    x = torch.randn(2, 4, 6, 6).bfloat16()
    gradients = []
    for module in (nn.ELU(), BlockwiseELU()):
        leaf = x.clone().requires_grad_()
        module(leaf).square().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, rtol=0.02, atol=0.02)


def test_other_types_and_layouts_go_pytorchs_way() -> None:
    x = torch.randn(4, 6)
    assert torch.equal(BlockwiseELU()(x), F.elu(x))
    gaps = torch.randn(4, 6).bfloat16()[:, ::2]
    assert torch.equal(BlockwiseELU()(gaps), F.elu(gaps))
    assert torch.equal(BlockwiseELU(alpha=2.0)(x.bfloat16()), F.elu(x.bfloat16(), 2.0))


def test_replacing_keeps_names_and_weights() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ELU(), nn.Sequential(nn.ELU(), nn.ReLU()))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    names = [name for name, _ in network.named_modules()]
    use_blockwise_elu(network)
    assert [name for name, _ in network.named_modules()] == names
    assert isinstance(network[1], BlockwiseELU)
    assert isinstance(network[2][0], BlockwiseELU)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
