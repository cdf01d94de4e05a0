"""The learning rate as a function of the step: ``schedule(step, steps)`` is a factor of the peak rate.

``step`` counts from 0, ``steps`` are those of the whole run. A pure function of both, so that a resumed run
has the same rates as one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def cosine(step: int, steps: int) -> float:
    """Half a cosine from 1 to 0."""
    return (1 + math.cos(math.pi * step / steps)) / 2
