"""What the checks of blocks, norms and backbones share: modules, and inputs for them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netlab.kinds.block import Size
from netlab.testing.checks import expect


def sample(batch: int, channels: int, size: Size, seed: int = 0) -> Tensor:
    """A normal random input (batch, channels, *size) float32."""
    return torch.randn(batch, channels, *size, generator=torch.Generator().manual_seed(seed))


def seeded(seed: int) -> None:
    """What a component draws (weights, dropout) is drawn from this seed; netlab does so too."""
    torch.manual_seed(seed)


def expect_module(module: object) -> nn.Module:
    """The module itself, if it is one."""
    expect(isinstance(module, nn.Module), f"it gave {type(module).__name__}, not an nn.Module")
    assert isinstance(module, nn.Module)
    return module


def expect_shape(output: object, shape: tuple[int, ...], given: str) -> Tensor:
    """The output itself, if it is a tensor of this shape."""
    expect(isinstance(output, Tensor), f"{given} it gave {type(output).__name__}, not a Tensor")
    assert isinstance(output, Tensor)
    expect(tuple(output.shape) == shape, f"{given} it gave {tuple(output.shape)}, expected {shape}")
    return output


def expect_gradients(module: nn.Module, x: Tensor) -> None:
    """A step of training reaches every parameter, with finite gradients, and the input."""
    x = x.clone().requires_grad_()
    output = module.train()(x)
    # Squares: the gradient of a plain sum is zero through a normalization.
    (output * output.detach().roll(1, 0)).sum().backward()
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        expect(parameter.grad is not None, f"no gradient reaches parameter '{name}'")
        assert parameter.grad is not None
        expect(parameter.grad.isfinite().all(), f"the gradient of parameter '{name}' is not finite")
    expect(x.grad is not None, "no gradient reaches the input")
    assert x.grad is not None
    expect(x.grad.isfinite().all(), "the gradient of the input is not finite")


def expect_state_round_trip(first: nn.Module, second: nn.Module, x: Tensor) -> None:
    """A module loaded with the state of another, trained for a step, gives the other's output."""
    seeded(1)
    with torch.no_grad():
        first.train()(x)  # running statistics are state too
    second.load_state_dict(first.state_dict())
    outputs = []
    for module in (first, second):
        seeded(2)
        with torch.no_grad():
            outputs.append(module.eval()(x))
    expect(
        torch.equal(*outputs),
        "after load_state_dict the output differs: something is neither a parameter nor a buffer",
    )


def expect_determinism(module: nn.Module, x: Tensor) -> None:
    """In evaluation mode the same input gives the same output twice, and keeps the state."""
    module.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        seeded(3)
        first = module(x)
        seeded(4)
        second = module(x)
    expect(torch.equal(first, second), "in evaluation mode the same input gave two outputs")
    for name, value in module.state_dict().items():
        expect(torch.equal(value, before[name]), f"evaluation changed '{name}'")
