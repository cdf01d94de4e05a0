"""Means over seeds, and paired differences with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

CONFIDENCE = 0.95

Verdict = Literal["higher", "lower", "within noise", "same", "one seed", "no shared seed"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and standard deviation (with n - 1) over ``n`` seeds; ``sd`` is NaN for one."""

    mean: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean paired difference to a baseline over ``n`` shared seeds, with its interval.

    ``low`` and ``high`` are NaN with fewer than two pairs.
    """

    mean: float
    low: float
    high: float
    n: int
    verdict: Verdict


def mean_and_deviation(values: Mapping[int, float]) -> Summary:
    """Summary of values by seed; there is at least one."""
    numbers = np.array([values[seed] for seed in sorted(values)], dtype=np.float64)
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    return Summary(float(numbers.mean()), sd, len(numbers))


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float]) -> Difference:
    """``values - baseline``, paired by seed, with Student's interval.

    For the k differences d of the shared seeds, mean(d) +- t(.975, k - 1) sd(d) / sqrt(k). The same
    seed means the same order of the data and the same augmentation, which pairing takes out.
    'within noise' where the interval holds zero; 'same' where every difference is exactly zero.
    """
    from scipy import stats

    seeds = sorted(values.keys() & baseline.keys())
    if not seeds:
        return Difference(math.nan, math.nan, math.nan, 0, "no shared seed")
    ours = np.array([values[seed] for seed in seeds], dtype=np.float64)
    theirs = np.array([baseline[seed] for seed in seeds], dtype=np.float64)
    differences = ours - theirs
    mean = float(differences.mean())
    if len(seeds) == 1:
        return Difference(mean, math.nan, math.nan, 1, "one seed")
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1))
    half = quantile * float(differences.std(ddof=1)) / math.sqrt(len(seeds))
    low, high = mean - half, mean + half
    return Difference(mean, low, high, len(seeds), verdict_of(low, high))


def verdict_of(low: float, high: float) -> Verdict:
    """What an interval says."""
    if low == high == 0:
        return "same"
    if low <= 0 <= high:
        return "within noise"
    return "higher" if low > 0 else "lower"
