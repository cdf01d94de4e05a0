"""Checks of schedules. Contract: ``netlab.kinds.schedule``."""

from __future__ import annotations

import math
import random

from netlab.testing.checks import Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.fresh import fresh

RUNS = ((1, 1), (2, 1), (2, 2), (12, 12), (120, 12), (300, 100), (240, 12))  # steps, epochs
LONG = (1_000_000, 100)


def factors(subject: Subject, steps: int, epochs: int) -> list[float]:
    """The factor of every step."""
    return [factor(subject, step, steps, epochs) for step in range(steps)]


def factor(subject: Subject, step: int, steps: int, epochs: int) -> float:
    """The factor of a step, finite and from 0 to 1."""
    found = subject.build(step, steps, epochs=epochs)
    where = f"at step {step} of {steps}"
    expect(
        isinstance(found, (int, float)) and not isinstance(found, bool),
        f"{where} it gave {type(found).__name__}, not a float",
    )
    value = float(found)
    expect(
        math.isfinite(value) and 0 <= value <= 1 + 1e-9, f"{where} the factor is {value:g}, expected 0 to 1"
    )
    return value


def exercise(subject: Subject) -> None:
    """Every step of a short run and of a longer one."""
    for steps, epochs in ((1, 1), (12, 12), (120, 12)):
        expect(max(factors(subject, steps, epochs)) > 0, f"all factors of {steps} steps are 0")


def in_range(subject: Subject) -> None:
    """Every factor is finite, from 0 to 1, and some step comes near the peak."""
    for steps, epochs in RUNS:
        expect(
            max(factors(subject, steps, epochs)) > 0,
            f"all factors of {steps} steps are 0: nothing would be learnt",
        )
    expect(max(factors(subject, 300, 100)) > 0.9, "no step of 300 comes near the peak rate")


def ends(subject: Subject) -> None:
    """The first and the last step of runs of one step and of a million have a factor; most are above 0."""
    for steps, epochs in ((1, 1), LONG):
        for step in {0, steps // 2, steps - 1}:
            factor(subject, step, steps, epochs)
    for steps, epochs in ((300, 100), (1200, 12)):
        idle = sum(value == 0 for value in factors(subject, steps, epochs))
        expect(
            idle <= steps / 2,
            f"{idle} of {steps} steps have the factor 0: is it a function of the steps, not of the epochs?",
        )


def pure(subject: Subject) -> None:
    """The factor depends on the step, the steps and the epochs alone, not on the calls before."""
    asked = [(step, steps, epochs) for steps, epochs in RUNS for step in range(steps)]
    shuffled = random.Random(0).sample(asked, len(asked))
    orders = (asked, asked[::-1], shuffled)
    found = []
    for order in orders:
        call = fresh(subject)
        answers = {where: call(where[0], where[1], epochs=where[2]) for where in order}
        found.append([answers[where] for where in asked])
    for where, *values in zip(asked, *found, strict=True):
        expect(
            len(set(values)) == 1,
            f"at step {where[0]} of {where[1]}, asked in another order, it gives {values[0]:g} and"
            f" {next(v for v in values if v != values[0]):g}: a resumed run would differ"
            if len(set(values)) > 1
            else "",
        )


CHECKS = (*exercised(exercise), in_range, ends, pure)
