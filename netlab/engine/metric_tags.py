"""What the tags of a metric state: the range of its value, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Iterable

DIRECTIONS = ("higher", "lower", "neither")  # in which a metric is better; neither: it is no score
ARROWS = {"higher": "↑", "lower": "↓"}
LEGEND = "↑ higher is better, ↓ lower is better"


def stated_range(tags: Iterable[str]) -> tuple[float, float]:
    """The range that a metric's tag ``range:LOW:HIGH`` states, open where empty; without it all numbers.

    Raises:
        ValueError: the tag holds no numbers, or LOW is above HIGH.
    """
    for tag in tags:
        if tag.startswith("range:"):
            low, _, high = tag.removeprefix("range:").partition(":")
            bounds = float(low or -math.inf), float(high or math.inf)
            if not bounds[0] <= bounds[1]:
                raise ValueError(f"{tag!r} is not of the form 'range:LOW:HIGH'")
            return bounds
    return -math.inf, math.inf


def stated_direction(tags: Iterable[str]) -> str | None:
    """Which way a metric's tag ``better:higher``, ``better:lower`` or ``better:neither`` points; or None.

    Raises:
        ValueError: it says something else, or two things.
    """
    stated = sorted(tag.removeprefix("better:") for tag in tags if tag.startswith("better:"))
    for direction in stated:
        if direction not in DIRECTIONS:
            raise ValueError(
                f"'better:{direction}' is none of {', '.join(f'better:{name}' for name in DIRECTIONS)}"
            )
    if len(stated) > 1:
        raise ValueError(f"they state two directions: {' and '.join(stated)}")
    return stated[0] if stated else None


def with_arrow(title: str, direction: str | None) -> str:
    """``SI ↑``: a column's title, with the way that is better."""
    return f"{title} {ARROWS[direction]}" if direction in ARROWS else title
