"""How many seeds would show a difference: the power of the paired comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from netlab.comparison.comparison import Comparison
from netlab.comparison.statistics import CONFIDENCE
from netlab.errors import UsageError

POWER = 0.8
MOST_SEEDS = 100_000


@dataclass(frozen=True, slots=True)
class SeedsNeeded:
    """The seeds that an assembly and the baseline need to show a difference in test accuracy.

    ``spread`` is the standard deviation of the paired differences over ``n`` shared seeds; ``low`` and
    ``high`` are the seeds for the ends of its 95 % interval. None where there are fewer than two pairs.
    """

    assembly: str
    n: int
    spread: float
    seeds: int | None
    low: int | None
    high: int | None


def seeds_needed(
    spread: float, difference: float, *, power: float = POWER, confidence: float = CONFIDENCE
) -> int:
    """The fewest pairs with which Student's paired test finds ``difference`` with a chance of ``power``.

    ``spread`` is the standard deviation of the paired differences: that of one assembly times sqrt(2) where
    both vary alike and pairing takes nothing out. The test is two-sided. With n pairs the statistic has a
    noncentral t distribution with n - 1 degrees of freedom and noncentrality sqrt(n) difference / spread
    (Cohen, Statistical Power Analysis, 1988). At least 2, at most 100,000.
    """
    from scipy import stats

    def found(n: int) -> float:
        threshold = stats.t.ppf((1 + confidence) / 2, n - 1)
        shift = math.sqrt(n) * difference / spread
        return float(stats.nct.sf(threshold, n - 1, shift) + stats.nct.cdf(-threshold, n - 1, shift))

    if spread <= difference / 20:
        return 2  # beyond what the noncentral distribution is computed for: certain with two
    few, many = 1, 2
    while found(many) < power:
        if many >= MOST_SEEDS:
            return MOST_SEEDS
        few, many = many, min(2 * many, MOST_SEEDS)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if found(middle) >= power else (middle, many)
    return many


def spread_interval(spread: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a standard deviation that was computed of ``n`` normal values (chi squared)."""
    from scipy import stats

    low, high = stats.chi2.ppf([(1 - confidence) / 2, (1 + confidence) / 2], n - 1)
    return spread * math.sqrt((n - 1) / high), spread * math.sqrt((n - 1) / low)


def power_of(comparison: Comparison, difference: float) -> list[SeedsNeeded]:
    """For each assembly but the baseline, the seeds that would show ``difference`` in test accuracy.

    Of one assembly alone: the seeds that another one with the same spread would need.

    Raises:
        UsageError: ``difference`` is not above 0 and at most 1.
    """
    if not 0 < difference <= 1:
        raise UsageError(f"--power {difference:g}: expected a difference of accuracies above 0, at most 1")
    entries = comparison.entries.get("test_accuracy", {})
    if len(comparison.assemblies) == 1:
        (name,) = entries
        summary = entries[name].summary
        return [_needed(name, summary.n, summary.sd * math.sqrt(2), difference)]
    found = []
    for assembly in comparison.assemblies:
        entry = entries.get(assembly.name)
        if entry is not None and entry.difference is not None:
            pairs, error = entry.difference.n, entry.difference.error
            found.append(_needed(assembly.name, pairs, error * math.sqrt(pairs), difference))
    return found


def _needed(name: str, n: int, spread: float, difference: float) -> SeedsNeeded:
    if n < 2 or math.isnan(spread):
        return SeedsNeeded(name, n, math.nan, None, None, None)
    low, high = spread_interval(spread, n)
    seeds = [seeds_needed(value, difference) for value in (spread, low, high)]
    return SeedsNeeded(name, n, spread, *seeds)


POWER_COLUMNS = ("assembly", "pairs", "spread", "seeds needed", "at least", "at most")


def power_rows(found: Sequence[SeedsNeeded]) -> list[list[str]]:
    """The rows of a table, with ``POWER_COLUMNS``."""

    def text(value: int | None) -> str:
        return "-" if value is None else f"{value:,}" if value < MOST_SEEDS else f"over {MOST_SEEDS:,}"

    return [
        [
            row.assembly, str(row.n), "-" if math.isnan(row.spread) else f"{row.spread:.4f}",
            text(row.seeds), text(row.low), text(row.high),
        ]
        for row in found
    ]  # fmt: skip
