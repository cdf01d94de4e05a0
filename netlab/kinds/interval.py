"""Intervals of 95 % for means over points, whatever their shape near the ends of the range."""

from __future__ import annotations

import math

NORMAL = 1.959963984540054  # its quantile .975


def mean_interval(
    mean: float, variance: float, independent: float, between: tuple[float, float] | None
) -> tuple[float, float]:
    """The interval of a mean of that ``variance``; ``between`` says which range it has, or None.

    In a range it is that of a share (Jeffreys: quantiles of the beta distribution with half a point added to
    either side), of as many independent points as would give this variance: so it has a width where every
    point is right, too. There the variance says nothing, and ``independent`` is how many points count.
    """
    if between is None:
        reach = NORMAL * math.sqrt(variance)
        return mean - reach, mean + reach
    from scipy.special import betaincinv

    low, high = between
    share = (mean - low) / (high - low)
    share = min(max(share, 0.0), 1.0)
    relative = variance / (high - low) ** 2
    count = share * (1 - share) / relative if relative > 0 and 0 < share < 1 else independent
    right, wrong = count * share + 0.5, count * (1 - share) + 0.5
    lower = 0.0 if share == 0 else float(betaincinv(right, wrong, 0.025))
    upper = 1.0 if share == 1 else float(betaincinv(right, wrong, 0.975))
    return low + (high - low) * lower, low + (high - low) * upper
