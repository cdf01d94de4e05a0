"""Seeds added until a difference is clear: looks, verdicts, and how often the rule is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from netlab.comparison.comparison import compare
from netlab.comparison.sequential import SequentialRule, judge, sure_rows
from tests.comparison.test_power import runs

RULE = SequentialRule(0.01, first=3, most=20)


def test_the_looks_grow_by_half_from_the_first_to_the_most() -> None:
    assert RULE.looks == [3, 5, 8, 12, 18, 20]
    assert SequentialRule(0.01, first=1, most=2).looks == [2]
    assert SequentialRule(0.01, first=5, most=5).looks == [5]


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ((0.901, 0.899, 0.9), "higher"),
        ((0.701, 0.699, 0.7), "lower"),
        ((0.8001, 0.7999, 0.8), "too small to matter"),
        ((0.85, 0.75, 0.84), "undecided"),
    ],
)
def test_the_verdict_follows_the_interval(other: tuple[float, ...], verdict: str) -> None:
    found = judge([compare([*runs("none", 0.8, 0.8, 0.8), *runs("bn", *other)])], RULE)
    (difference,) = found.differences
    assert difference.verdict == verdict
    level = 0.05 / 6
    half = stats.t.ppf(1 - level / 2, 2) * np.std(other, ddof=1) / math.sqrt(3)
    assert difference.high - difference.low == pytest.approx(2 * half)


def test_differences_that_are_all_the_same_decide_nothing() -> None:
    """Accuracies of few images are often equal; an interval of no width would be sure of it."""
    found = judge([compare([*runs("none", 0.5, 0.5), *runs("bn", 0.5, 0.5)])], RULE)
    assert [row.verdict for row in found.differences] == ["undecided"]


def test_one_seed_decides_nothing() -> None:
    found = judge([compare([*runs("none", 0.8), *runs("bn", 0.9)])], RULE)
    assert sure_rows(found) == [["bn", "1", "+0.1000", "-", "-", "undecided"]]


@pytest.mark.parametrize("truth", [0.0, 0.01])
def test_what_it_says_is_wrong_in_at_most_one_of_twenty(truth: float) -> None:
    """At 0 'higher' or 'lower' is wrong, at the difference that matters 'too small'."""
    rng, rule, wrong, experiments = np.random.default_rng(1), SequentialRule(0.01, most=12), 0, 300
    for _ in range(experiments):
        base, other = rng.normal(0.8, 0.005, 12), rng.normal(0.8 + truth, 0.005, 12)
        for seeds in rule.looks:
            comparison = compare([*runs("none", *base[:seeds]), *runs("bn", *other[:seeds])])
            (difference,) = judge([comparison], rule).differences
            if difference.verdict != "undecided":
                break
        wrong += difference.verdict in (
            ("higher", "lower") if truth == 0 else ("too small to matter", "lower")
        )
    assert wrong / experiments <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / experiments)
