"""Seeds added until every difference is clear: a sequential rule that keeps its error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from netlab.comparison.comparison import Comparison
from netlab.comparison.statistics import CONFIDENCE, Difference

GROWTH = 1.5
FEWEST = 2

SureVerdict = Literal["higher", "lower", "too small to matter", "undecided"]


@dataclass(frozen=True, slots=True)
class SequentialRule:
    """When a difference in test accuracy is clear, and how often it is looked at.

    The numbers of seeds at which it is looked grow by half from ``first`` to ``most``. A difference is clear
    when its interval leaves out zero, or lies within -``smallest`` and ``smallest``. Each of the L looks at
    each of the m differences has its interval at 1 - .05 / (L m): by the union bound all intervals of all
    looks hold together with at least 95 %, whenever it is stopped. So with a chance of at most 5 % anything
    that it says is wrong, for differences that are normal. Differences that are all the same decide nothing.
    """

    smallest: float
    first: int = 3
    most: int = 20

    @property
    def looks(self) -> list[int]:
        """The numbers of seeds at which the differences are looked at, ascending."""
        counts = [max(self.first, FEWEST)]
        while counts[-1] < self.most:
            counts.append(min(self.most, math.ceil(counts[-1] * GROWTH)))
        return counts


@dataclass(frozen=True, slots=True)
class JudgedDifference:
    """What is known of one assembly's difference to the baseline, over ``n`` shared seeds."""

    data: str
    assembly: str
    n: int
    mean: float
    low: float
    high: float
    verdict: SureVerdict


@dataclass(frozen=True, slots=True)
class Sureness:
    """What is known of all differences at one look."""

    rule: SequentialRule
    differences: list[JudgedDifference]


def judge(comparisons: Sequence[Comparison], rule: SequentialRule) -> Sureness:
    """The verdict on the test accuracy of every assembly but the baselines, of all data sets together."""
    found = [
        (comparison.data, name, entry.difference)
        for comparison in comparisons
        for name, entry in comparison.entries.get("test_accuracy", {}).items()
        if entry.difference is not None
    ]
    level = (1 - CONFIDENCE) / (len(rule.looks) * max(len(found), 1))
    judged = [_judged(data, name, difference, rule.smallest, level) for data, name, difference in found]
    return Sureness(rule, judged)


def _judged(data: str, name: str, difference: Difference, smallest: float, level: float) -> JudgedDifference:
    from scipy import stats

    if not difference.error > 0 or math.isinf(difference.error):  # accuracies are counted, so may be the same
        return JudgedDifference(data, name, difference.n, difference.mean, math.nan, math.nan, "undecided")
    half = float(stats.t.ppf(1 - level / 2, difference.n - 1)) * difference.error
    low, high = difference.mean - half, difference.mean + half
    verdict: SureVerdict = "undecided"
    if -smallest < low and high < smallest:
        verdict = "too small to matter"
    elif low > 0:
        verdict = "higher"
    elif high < 0:
        verdict = "lower"
    return JudgedDifference(data, name, difference.n, difference.mean, low, high, verdict)


SURE_COLUMNS = ("assembly", "seeds", "difference", "low", "high", "verdict")


def sure_rows(found: Sureness) -> list[list[str]]:
    """The rows of a table, with ``SURE_COLUMNS``."""

    def signed(value: float) -> str:
        return "-" if math.isnan(value) else f"{value:+.4f}"

    return [
        [row.assembly, str(row.n), signed(row.mean), signed(row.low), signed(row.high), row.verdict]
        for row in found.differences
    ]
