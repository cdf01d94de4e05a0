"""Checks of norms. Contract: ``netlab.kinds.norm``."""

from __future__ import annotations

import torch
from torch import nn

from netlab.kinds.block import Size
from netlab.kinds.norm import Where
from netlab.testing.checks import Subject, expect
from netlab.testing.modules import (
    expect_gradients,
    expect_module,
    expect_shape,
    expect_state_round_trip,
    sample,
    seeded,
)

CHANNELS = 64
SIZE: Size = (7, 9)
PLACES: tuple[Where, ...] = ("stem", "block")


def build(subject: Subject, where: Where = "block") -> nn.Module:
    """The norm for 64 channels of 7 x 9."""
    seeded(0)
    return expect_module(subject.build(CHANNELS, SIZE, where=where))


def shape(subject: Subject) -> None:
    """(N, C, H, W) keeps its shape, in the stem and in blocks."""
    for where in PLACES:
        output = build(subject, where).train()(sample(4, CHANNELS, SIZE))
        expect_shape(output, (4, CHANNELS, *SIZE), f"in a {where}, for input (4, 64, 7, 9)")


def train_and_evaluate(subject: Subject) -> None:
    """Output is finite in training and in evaluation, for a constant channel too."""
    x = sample(4, CHANNELS, SIZE)
    x[:, 0] = 3.0
    norm = build(subject)
    for training in (True, False):
        with torch.no_grad():
            output = norm.train(training)(x)
        mode = "training" if training else "evaluation"
        expect(output.isfinite().all(), f"in {mode} the output is not finite (a constant channel)")


def gradients(subject: Subject) -> None:
    """Finite gradients reach every parameter and the input."""
    expect_gradients(build(subject), sample(4, CHANNELS, SIZE))


def independent_images(subject: Subject) -> None:
    """In evaluation an image's output does not depend on the other images of its batch."""
    norm, x = build(subject), sample(4, CHANNELS, SIZE)
    with torch.no_grad():
        norm.train()(x)
        together, alone = norm.eval()(x)[:1], norm.eval()(x[:1])
    expect(
        torch.allclose(together, alone, rtol=1e-4, atol=1e-5),
        f"in evaluation an image alone gives another output: {float((together - alone).abs().max()):g} apart",
    )


def state_dict(subject: Subject) -> None:
    """A second norm with the first one's state dict computes the same."""
    expect_state_round_trip(build(subject), build(subject), sample(4, CHANNELS, SIZE))


CHECKS = (shape, train_and_evaluate, gradients, independent_images, state_dict)
