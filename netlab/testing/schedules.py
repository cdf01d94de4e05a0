"""Checks of schedules. Contract: ``netlab.kinds.schedule``."""

from __future__ import annotations

import math

from netlab.testing.checks import Subject, expect

RUNS = ((1, 1), (2, 1), (12, 12), (120, 12), (300, 100))  # steps, epochs


def factors(subject: Subject, steps: int, epochs: int) -> list[float]:
    """The factor of every step."""
    found = [subject.build(step, steps, epochs=epochs) for step in range(steps)]
    for step, factor in enumerate(found):
        expect(
            isinstance(factor, (int, float)) and not isinstance(factor, bool),
            f"at step {step} of {steps} it gave {type(factor).__name__}, not a float",
        )
    return found


def in_range(subject: Subject) -> None:
    """Every factor is finite, from 0 to 1, and some step comes near the peak."""
    for steps, epochs in RUNS:
        found = factors(subject, steps, epochs)
        for step, factor in enumerate(found):
            expect(
                math.isfinite(factor) and 0 <= factor <= 1 + 1e-9,
                f"at step {step} of {steps} the factor is {factor:g}, expected 0 to 1",
            )
        expect(max(found) > 0, f"all factors of {steps} steps are 0: nothing would be learnt")
    expect(max(factors(subject, 300, 100)) > 0.9, "no step of 300 comes near the peak rate")


def pure(subject: Subject) -> None:
    """The factor depends on the step alone, not on the calls before."""
    forward = factors(subject, 120, 12)
    backward = [subject.build(step, 120, epochs=12) for step in reversed(range(120))]
    expect(
        forward == backward[::-1],
        "asked in another order, it gives other factors: a resumed run would differ",
    )


CHECKS = (in_range, pure)
