"""The learning rate as a function of the step: ``schedule(step, steps)`` is a factor of the peak rate.

``step`` counts from 0, ``steps`` are those of the whole run. A pure function of both, so that a resumed run
has the same rates as one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def one_cycle(step: int, steps: int, *, warmup: float) -> float:
    """Linear from 0 to 1 over the share ``warmup`` of the steps, then linear to 0."""
    peak = max(round(warmup * steps), 1)
    if step < peak:
        return (step + 1) / peak
    return (steps - step) / max(steps - peak, 1)


def cosine(step: int, steps: int) -> float:
    """Half a cosine from 1 to 0."""
    return (1 + math.cos(math.pi * step / steps)) / 2


def drops(step: int, steps: int, *, epochs: int, every: int, gamma: float) -> float:
    """``gamma ** (epoch // every)``, epochs from 0, in a run of ``epochs``."""
    steps_per_epoch = steps // epochs
    return gamma ** (step // steps_per_epoch // every)


def constant(step: int, steps: int) -> float:
    """1."""
    return 1.0
