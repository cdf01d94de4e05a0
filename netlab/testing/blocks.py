"""Checks of blocks. Contract: ``netlab.kinds.block``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from netlab.engine.catalog import Catalog, Part
from netlab.errors import NetlabError, UsageError, first_line
from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size
from netlab.network import norm_layer
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.modules import (
    expect_determinism,
    expect_gradients,
    expect_module,
    expect_shape,
    expect_state_round_trip,
    sample,
    seeded,
)

CHANNELS = 64  # what the groups of most norms divide
SIZE: Size = (8, 8)
ODD: Size = (7, 9)


def no_norm(channels: int, size: Size) -> nn.Module:
    """The norm of a network without norms."""
    return nn.Identity()


def elu() -> nn.Module:
    """The activation of the checks, which is smooth."""
    return nn.ELU()


def build(
    subject: Subject,
    in_channels: int = CHANNELS,
    out_channels: int = CHANNELS,
    *,
    size: Size = SIZE,
    norm: NormLayer = no_norm,
    activation: ActivationLayer = elu,
    seed: int = 0,
    **more: Any,
) -> nn.Module:
    """The block, its weights drawn from ``seed``."""
    seeded(seed)
    return expect_module(
        subject.build(in_channels, out_channels, size=size, norm=norm, activation=activation, **more)
    )


def shape(subject: Subject) -> None:
    """(2, C, 8, 8) becomes (2, C, 8, 8)."""
    output = build(subject)(sample(2, CHANNELS, SIZE))
    expect_shape(output, (2, CHANNELS, *SIZE), "for input (2, 64, 8, 8) and out_channels 64")


def other_channels(subject: Subject) -> None:
    """The number of channels may change: 64 to 96, on a map of 7 x 9."""
    try:
        output = build(subject, CHANNELS, 96, size=ODD)(sample(2, CHANNELS, ODD))
    except (NetlabError, RuntimeError) as error:
        raise ConformanceError(f"in_channels 64 and out_channels 96: {first_line(error)}") from error
    expect_shape(output, (2, 96, *ODD), "for input (2, 64, 7, 9) and out_channels 96")


def stride(subject: Subject) -> None:
    """A block tagged 'stride' gives ceil(H / stride) x ceil(W / stride)."""
    if "stride" not in subject.component.spec.tags:
        raise NotApplicable("it is not tagged 'stride'")
    try:
        output = build(subject, size=ODD, stride=2)(sample(2, CHANNELS, ODD))
    except (NetlabError, RuntimeError, TypeError) as error:
        raise ConformanceError(f"with stride=2: {first_line(error)}") from error
    expect_shape(output, (2, CHANNELS, 4, 5), "for input (2, 64, 7, 9) and stride 2")


def gradients(subject: Subject) -> None:
    """Finite gradients reach every parameter and the input."""
    expect_gradients(build(subject), sample(2, CHANNELS, SIZE))


def state_dict(subject: Subject) -> None:
    """A second block with the first one's state dict computes the same."""
    expect_state_round_trip(build(subject, seed=0), build(subject, seed=9), sample(2, CHANNELS, SIZE))


def determinism(subject: Subject) -> None:
    """In evaluation mode the same input gives the same output, and the state stays."""
    expect_determinism(build(subject), sample(2, CHANNELS, SIZE))


def batch_of_one(subject: Subject) -> None:
    """A single image is a batch too, in training and in evaluation."""
    block = build(subject)
    for training in (True, False):
        try:
            output = block.train(training)(sample(1, CHANNELS, SIZE))
        except (RuntimeError, ValueError, IndexError) as error:
            raise ConformanceError(f"a batch of 1 fails: {first_line(error)}") from error
        expect_shape(output, (1, CHANNELS, *SIZE), "for a batch of 1")


class Refusing:
    """A norm that notes whether it said that it does not fit, as groups that do not divide the channels."""

    def __init__(self, norm: NormLayer) -> None:
        self.norm, self.refused = norm, False

    def __call__(self, channels: int, size: Size) -> nn.Module:
        try:
            return self.norm(channels, size)
        except UsageError:
            self.refused = True
            raise


def every_norm(subject: Subject) -> None:
    """It works with every installed norm: ``norm(channels, size)`` is told the shape that comes in."""
    manager = subject.component.manager
    for component in Catalog(manager).of_kind("norm"):
        try:
            options = component.make_options({})
        except NetlabError:
            continue  # it needs options, or is broken: not this block's business
        name = f"norm '{component.name}' of {component.plugin.distribution}"
        norm = Refusing(norm_layer(Part(component, options), "block"))
        try:
            block = build(subject, size=ODD, norm=norm)
            with torch.no_grad():
                output = block(sample(2, CHANNELS, ODD))
        except (NetlabError, RuntimeError, ValueError) as error:
            if norm.refused:
                continue
            raise ConformanceError(f"with {name}: {first_line(error)}") from error
        expect(output.isfinite().all(), f"with {name} the output is not finite")


class Recorded(nn.Module):
    """An activation that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return nn.functional.elu(x)


def chosen_activation(subject: Subject) -> None:
    """Every module that ``activation()`` made is used, in a forward pass."""
    made: list[Recorded] = []

    def activation() -> nn.Module:
        made.append(Recorded())
        return made[-1]

    build(subject, activation=activation)(sample(2, CHANNELS, SIZE))
    if not made:
        raise NotApplicable("it asks for no activation")
    unused = sum(not module.calls for module in made)
    expect(not unused, f"{unused} of {len(made)} modules that activation() made are not used")


CHECKS = (
    shape,
    other_channels,
    stride,
    gradients,
    state_dict,
    determinism,
    batch_of_one,
    every_norm,
    chosen_activation,
)
