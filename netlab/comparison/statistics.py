"""Means over seeds, and paired differences with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

CONFIDENCE = 0.95

Key = TypeVar("Key", int, tuple[int, int])  # what tells runs apart: a seed, or a seed and a fold

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

    ``low`` and ``high`` are NaN with fewer than two pairs; ``error`` is the standard error of the mean.
    """

    mean: float
    low: float
    high: float
    n: int
    verdict: Verdict
    error: float = math.nan


def mean_and_deviation(values: Mapping[Key, float]) -> Summary:
    """Summary of values by seed; there is at least one."""
    numbers = np.array([values[seed] for seed in sorted(values)], dtype=np.float64)
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    return Summary(float(numbers.mean()), sd, len(numbers))


def paired_difference(values: Mapping[Key, float], baseline: Mapping[Key, float]) -> Difference:
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
    error = float(differences.std(ddof=1)) / math.sqrt(len(seeds))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1)) * error
    low, high = mean - half, mean + half
    return Difference(mean, low, high, len(seeds), verdict_of(low, high), error)


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with intervals and verdicts that are right for all of them together.

    Holm's procedure (Scandinavian Journal of Statistics 6, 1979): of m differences that have an interval,
    the j-th most certain one has it at 1 - .05 / (m - j + 1), and so on until one holds zero; that one and
    all after it have the level that was reached. Where nothing differs, at most 5 % of such families name a
    difference.
    """
    from scipy import stats

    counted = [place for place, difference in enumerate(differences) if math.isfinite(difference.error)]

    def chance(place: int) -> float:
        found = differences[place]
        if found.error == 0:
            return float(found.mean == 0)
        return 2 * float(stats.t.sf(abs(found.mean) / found.error, found.n - 1))

    result, level, holds_zero = list(differences), 1 - CONFIDENCE, False
    for rank, place in enumerate(sorted(counted, key=chance)):
        if not holds_zero:
            level = (1 - CONFIDENCE) / (len(counted) - rank)
        found = differences[place]
        half = float(stats.t.ppf(1 - level / 2, found.n - 1)) * found.error
        low, high = found.mean - half, found.mean + half
        result[place] = replace(found, low=low, high=high, verdict=verdict_of(low, high))
        holds_zero = holds_zero or low <= 0 <= high
    return result


def verdict_of(low: float, high: float) -> Verdict:
    """What an interval says."""
    if low == high == 0:
        return "same"
    if low <= 0 <= high:
        return "within noise"
    return "higher" if low > 0 else "lower"
