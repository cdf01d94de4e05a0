"""Checks of blocks. Contract: ``netlab.kinds.block``."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from netlab.engine.catalog import Catalog, Part
from netlab.errors import NetlabError, UsageError, first_line
from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size
from netlab.network import norm_layer
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.exercised import is_refusal
from netlab.testing.module_case import ModuleCase
from netlab.testing.module_checks import module_checks
from netlab.testing.modules import expect_module, expect_shape, mode, run, sample, seeded
from netlab.testing.placeholders import Notes, elu, expect_used, no_norm

CHANNELS = 64  # what the groups of most norms divide
SIZE: Size = (8, 8)
ODD: Size = (7, 9)
STRIDES = (1, 2, 3)
FEW_AND_ODD = ((1, 8), (3, 5), (12, 8), (16, 16))  # channels in and out
SMALL: tuple[Size, ...] = ((1, 1), (2, 1), (3, 2))


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


def maps(count: int, seed: int = 0) -> Tensor:
    """Feature maps (count, 64, 8, 8)."""
    return sample(count, CHANNELS, SIZE, seed)


def shape(subject: Subject) -> None:
    """(2, C, 8, 8) becomes (2, C, 8, 8)."""
    output = run(build(subject), maps(2))
    expect_shape(output, (2, CHANNELS, *SIZE), "for input (2, 64, 8, 8) and out_channels 64")


def other_channels(subject: Subject) -> None:
    """The number of channels may grow and shrink, 64 to 96 and back, on maps of 7 x 9 and 4 x 4."""
    for size in (ODD, (4, 4)):
        for channels, out in ((CHANNELS, 96), (96, CHANNELS)):
            given = f"in_channels {channels} and out_channels {out} on {size[0]} x {size[1]}"
            try:
                output = run(build(subject, channels, out, size=size), sample(2, channels, size))
            except (NetlabError, RuntimeError) as error:
                raise ConformanceError(f"{given}: {first_line(error)}") from error
            expect_shape(output, (2, out, *size), f"for {given}")


def few_channels(subject: Subject) -> None:
    """Few and odd numbers of channels work, or are refused with a ValueError when it is built."""
    for channels, out in FEW_AND_ODD:
        expect_works_or_refused(subject, channels, out, ODD)


def small_maps(subject: Subject) -> None:
    """Maps of 1 x 1, 2 x 1 and 3 x 2 work, or are refused with a ValueError when it is built."""
    for size in SMALL:
        expect_works_or_refused(subject, CHANNELS, CHANNELS, size)


def expect_works_or_refused(subject: Subject, channels: int, out: int, size: Size) -> None:
    """What fails, fails when it is built, with a ValueError."""
    given = f"{channels} to {out} channels on {size[0]} x {size[1]}"
    try:
        block = build(subject, channels, out, size=size)
    except UsageError as error:
        expect(is_refusal(error), f"{given}: {first_line(error)}")
        return
    except Exception as error:
        raise ConformanceError(f"{given}: expected a ValueError, not {first_line(error)}") from error
    for training in (True, False):
        try:
            output = run(block, sample(2, channels, size), training=training)
        except Exception as error:
            raise ConformanceError(
                f"{given} were not refused, and {mode(training)} failed: {first_line(error)}"
            ) from error
        expect_shape(output, (2, out, *size), f"for {given}")
        expect(output.isfinite().all(), f"for {given}, {mode(training)}, the output is not finite")


def stride(subject: Subject) -> None:
    """A block tagged 'stride' gives ceil(H / stride) x ceil(W / stride), for strides 1, 2 and 3."""
    if "stride" not in subject.component.spec.tags:
        raise NotApplicable("it is not tagged 'stride'")
    for number in STRIDES:
        for size in (ODD, SIZE, (5, 4)):
            for out in (CHANNELS, 96):
                try:
                    output = run(
                        build(subject, CHANNELS, out, size=size, stride=number), sample(2, CHANNELS, size)
                    )
                except (NetlabError, RuntimeError, TypeError) as error:
                    raise ConformanceError(f"with stride={number}: {first_line(error)}") from error
                expected = (2, out, math.ceil(size[0] / number), math.ceil(size[1] / number))
                expect_shape(output, expected, f"for input {(2, CHANNELS, *size)} and stride {number}")


def batch_of_one(subject: Subject) -> None:
    """A single image is a batch too, in training and in evaluation."""
    block = build(subject)
    for training in (True, False):
        try:
            output = run(block, maps(1), training=training)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ConformanceError(f"a batch of 1 fails: {first_line(error)}") from error
        expect_shape(output, (1, CHANNELS, *SIZE), "for a batch of 1")


def other_size_in_forward(subject: Subject) -> None:
    """Maps of another size than it was built for keep their size, or it refuses them with an error."""
    block = build(subject)
    for size in (ODD, (12, 5)):
        try:
            output = run(block, sample(2, CHANNELS, size))
        except Exception as error:
            raise NotApplicable(f"it works on the size that it was built for: {first_line(error)}") from None
        expect_shape(output, (2, CHANNELS, *size), f"for maps of {size[0]} x {size[1]}, built for 8 x 8,")


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
    """It works with each of netlab's norms and of its own package's."""
    plugin = subject.component.plugin
    for component in Catalog(subject.component.manager).of_kind("norm"):
        if not component.plugin.builtin and component.plugin is not plugin:
            continue
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


def chosen_norm(subject: Subject) -> None:
    """``norm(channels, size)`` is called, told the shape that comes in, and used, with strides too."""
    for number in STRIDES if "stride" in subject.component.spec.tags else (1,):
        notes = Notes()
        more: dict[str, Any] = {} if number == 1 else {"stride": number}
        block = build(subject, CHANNELS, 96, size=ODD, norm=notes.norm, **more)
        expect_used(subject, notes, "norm", block, sample(2, CHANNELS, ODD))


def chosen_activation(subject: Subject) -> None:
    """``activation()`` is called, and every module that it made is used in a forward pass."""
    notes = Notes()
    block = build(subject, activation=notes.activation)
    expect_used(subject, notes, "activation", block, maps(2))


CHECKS = (
    *module_checks(ModuleCase(build, maps, lambda shape: shape)),
    shape,
    other_channels,
    few_channels,
    small_maps,
    stride,
    batch_of_one,
    other_size_in_forward,
    every_norm,
    chosen_norm,
    chosen_activation,
)
