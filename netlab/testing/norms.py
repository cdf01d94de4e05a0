"""Checks of norms. Contract: ``netlab.kinds.norm``."""

from __future__ import annotations

from torch import Tensor, nn

from netlab.errors import UsageError, first_line
from netlab.kinds.block import Size
from netlab.kinds.norm import Where
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.exercised import is_refusal
from netlab.testing.module_case import ModuleCase
from netlab.testing.module_checks import module_checks
from netlab.testing.modules import expect_module, expect_shape, mode, run, sample, seeded

CHANNELS = 64
SIZE: Size = (7, 9)
PLACES: tuple[Where, ...] = ("stem", "block")
FEW_AND_ODD = (1, 3, 8, 12, 20, 96)  # channels


def build(
    subject: Subject,
    where: Where = "block",
    *,
    channels: int = CHANNELS,
    size: Size = SIZE,
    seed: int = 0,
) -> nn.Module:
    """The norm, by default for 64 channels of 7 x 9."""
    seeded(seed)
    return expect_module(subject.build(channels, size, where=where))


def maps(count: int, seed: int = 0) -> Tensor:
    """Feature maps (count, 64, 7, 9)."""
    return sample(count, CHANNELS, SIZE, seed)


def shape(subject: Subject) -> None:
    """(N, C, H, W) keeps its shape, in the stem and in blocks."""
    for where in PLACES:
        output = run(build(subject, where), maps(4), training=True)
        expect_shape(output, (4, CHANNELS, *SIZE), f"in a {where}, for input (4, 64, 7, 9)")


def other_channels(subject: Subject) -> None:
    """1 to 96 channels work, on maps of other sizes too, or are refused with a ValueError when built."""
    for channels in FEW_AND_ODD:
        for size in ((4, 6), (1, 1), (1, 5)):
            given = f"{channels} channels of {size[0]} x {size[1]}"
            try:
                norm = build(subject, channels=channels, size=size)
            except UsageError as error:
                expect(is_refusal(error), f"{given}: {first_line(error)}")
                continue
            except Exception as error:
                raise ConformanceError(f"{given}: expected a ValueError, not {first_line(error)}") from error
            try:
                output = run(norm, sample(4, channels, size), training=True)
            except (RuntimeError, ValueError, IndexError) as error:
                raise ConformanceError(
                    f"{given} were not refused, and then failed: {first_line(error)}"
                ) from error
            expect_shape(output, (4, channels, *size), f"for {given}")


def train_and_evaluate(subject: Subject) -> None:
    """Output is finite, new and trained, in training and in evaluation, for a constant channel too."""
    x = maps(4)
    x[:, 0] = 3.0
    x[:, 1] = 0.0
    norm = build(subject)
    for training in (False, True, False):
        expect(
            run(norm, x, training=training).isfinite().all(),
            f"{mode(training)} the output is not finite (a constant channel)",
        )


CHECKS = (
    *module_checks(ModuleCase(build, maps, lambda shape: shape, mixes=True)),
    shape,
    other_channels,
    train_and_evaluate,
)
