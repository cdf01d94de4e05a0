"""What the checks of modules share: inputs, and what is expected of a module and its output."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from netlab.errors import first_line
from netlab.kinds.block import Size
from netlab.testing.checks import ConformanceError, NotApplicable, expect

FAKE_LOGGER = "torch._subclasses.fake_tensor"


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


def run(module: nn.Module, x: Tensor, *, training: bool = False, seed: int = 1) -> Tensor:
    """What the module gives, without gradients; its draws are from ``seed``."""
    seeded(seed)
    with torch.no_grad():
        output = module.train(training)(x)
    expect(isinstance(output, Tensor), f"it gave {type(output).__name__}, not a Tensor")
    assert isinstance(output, Tensor)
    return output


def mode(training: bool) -> str:
    return "in training" if training else "in evaluation"


def apart(first: Tensor, second: Tensor) -> float:
    """The largest difference, relative to the largest value (at least 1)."""
    scale = max(1.0, float(second.abs().max())) if second.numel() else 1.0
    return float((first.double() - second.double()).abs().max()) / scale if second.numel() else 0.0


def noise(first: Tensor, second: Tensor) -> float:
    """The deviation of the difference, relative to that of the second."""
    scale = float(second.square().mean().sqrt())
    return float((first - second).square().mean().sqrt()) / max(scale, 1e-6)


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, also those that are not saved, by name."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def shake(module: nn.Module, seed: int = 5, by: float = 0.1) -> None:
    """Moves every parameter a little: what begins at 0 (the last layer of a path) does something then."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(by * noise.to(parameter.dtype))


def tracked(x: Tensor) -> Tensor:
    """The same input as it comes from a layer before: part of a graph, and no leaf of it."""
    return x.clone().requires_grad_() * 1.0


def weighted_sum(output: Tensor, seed: int = 6) -> Tensor:
    """A sum with random weights: the gradient of a plain one is zero through a normalization."""
    generator = torch.Generator().manual_seed(seed)
    return (output * torch.randn(output.shape, generator=generator).to(output.dtype)).sum()


def on_device(module: nn.Module, x: Tensor, *, training: bool) -> None:
    """On another device the module works, and gives its output there.

    The device is a fake one (PyTorch's FakeTensorMode): shapes, types and devices without values.

    Raises:
        NotApplicable: what it computes depends on values, so that it can not be followed without them.
    """

    def call(device: str) -> Tensor:
        moved = {name: torch.empty_like(value, device=device) for name, value in tensors_of(module).items()}
        output: Tensor = torch.func.functional_call(
            module.train(training), moved, (torch.empty_like(x, device=device),)
        )
        return output

    expect_on_device(call)


def expect_on_device(call: Callable[[str], Any]) -> None:
    """``call(device)`` works on a fake accelerator as on a fake processor, and gives a tensor there.

    Raises:
        NotApplicable: it can not be followed without values.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), silent(FAKE_LOGGER):
        try:
            call("cpu")
        except Exception as error:
            raise NotApplicable(f"it can not be followed without values: {first_line(error)}") from None
        try:
            outputs = call("cuda")
        except Exception as error:
            raise ConformanceError(
                f"on another device it fails, as if a tensor stayed behind or was made on the processor"
                f" (register_buffer, device=x.device): {first_line(error)}"
            ) from error
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        expect(output.device.type == "cuda", "its output is not on the device of its input")


@contextlib.contextmanager
def silent(logger: str) -> Iterator[None]:
    """Nothing is logged: what fails is reported otherwise."""
    found = logging.getLogger(logger)
    before, found.disabled = found.disabled, True
    try:
        yield
    finally:
        found.disabled = before


def copied(module: nn.Module) -> nn.Module:
    """A deep copy."""
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise ConformanceError(f"copy.deepcopy fails: {first_line(error)}") from error
