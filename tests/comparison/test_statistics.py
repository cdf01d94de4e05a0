"""Means and intervals, held against their formulas and against published values of Student's t."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from netlab.comparison.statistics import (
    Difference,
    Verdict,
    corrected,
    mean_and_deviation,
    paired_difference,
    verdict_of,
)

# Student's t, two-sided 95 %, from the printed tables: degrees of freedom -> quantile.
T_TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262}


@pytest.mark.parametrize("pairs", [2, 3, 4, 5, 10])
def test_the_interval_is_students(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    ours, theirs = rng.normal(0.8, 0.02, pairs), rng.normal(0.78, 0.02, pairs)
    found = paired_difference(dict(enumerate(ours)), dict(enumerate(theirs)))
    differences = ours - theirs
    mean = sum(differences) / pairs
    variance = sum((d - mean) ** 2 for d in differences) / (pairs - 1)
    half = T_TABLE[pairs - 1] * math.sqrt(variance / pairs)
    assert found.mean == pytest.approx(mean)
    assert found.low == pytest.approx(mean - half, abs=1e-3 * half)
    assert found.high == pytest.approx(mean + half, abs=1e-3 * half)
    assert found.n == pairs


def test_the_deviation_divides_by_n_minus_one() -> None:
    summary = mean_and_deviation({0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0})
    assert summary.mean == 2.5
    assert summary.sd == pytest.approx(math.sqrt(5 / 3))
    assert summary.n == 4


def test_only_shared_seeds_are_paired() -> None:
    found = paired_difference({0: 1.0, 1: 2.0, 5: 100.0}, {0: 0.0, 1: 0.5, 7: -100.0})
    assert (found.mean, found.n) == (1.25, 2)


def test_pairing_takes_out_what_seeds_share() -> None:
    # the seeds differ by far more than the assemblies, which differ by one tenth every time
    base = {seed: 10.0 * seed for seed in range(5)}
    ours = {seed: value + 0.1 + 0.001 * (seed % 2) for seed, value in base.items()}
    assert paired_difference(ours, base).verdict == "higher"


def test_one_seed_gives_a_difference_and_no_interval() -> None:
    found = paired_difference({3: 0.9}, {3: 0.8})
    assert found.mean == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert found.verdict == "one seed"
    assert math.isnan(mean_and_deviation({3: 0.9}).sd)


def test_no_shared_seed_gives_nothing() -> None:
    found = paired_difference({0: 1.0, 1: 1.0}, {2: 1.0, 3: 1.0})
    assert (found.n, found.verdict) == (0, "no shared seed")
    assert all(map(math.isnan, (found.mean, found.low, found.high)))


def test_two_seeds_have_a_deviation_and_one_has_none_without_a_warning() -> None:
    assert mean_and_deviation({0: 1.0, 1: 2.0}).sd == pytest.approx(math.sqrt(1 / 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(mean_and_deviation({0: 1.0}).sd)
    assert paired_difference({3: 0.9}, {3: 0.8}).n == 1


def test_identical_values_are_the_same_and_a_constant_shift_is_not() -> None:
    values = {0: 0.5, 1: 0.7}
    assert paired_difference(values, values).verdict == "same"
    assert paired_difference({0: 1.5, 1: 1.75}, {0: 1.0, 1: 1.25}).verdict == "higher"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0, 0.2, "within noise"),  # an interval that touches zero holds it
        (-0.2, 0.0, "within noise"),
        (1e-300, 0.2, "higher"),
        (-0.2, -1e-300, "lower"),
        (0.0, 0.0, "same"),
        (0.1, 0.1, "higher"),
        (-0.1, -0.1, "lower"),
    ],
)
def test_an_interval_holds_its_ends(low: float, high: float, verdict: Verdict) -> None:
    assert verdict_of(low, high) == verdict


@pytest.mark.parametrize("seed", range(20))
def test_the_interval_and_the_verdict_are_those_of_scipys_paired_test(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours, theirs = rng.normal(0.81, 0.02, 6), rng.normal(0.79, 0.02, 6)
    found = paired_difference(dict(enumerate(ours)), dict(enumerate(theirs)))
    expected = stats.ttest_rel(ours, theirs)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)
    sign = "higher" if expected.statistic > 0 else "lower"
    assert found.verdict == (sign if expected.pvalue < 0.05 else "within noise")


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=8),
)
def test_the_verdict_says_whether_the_interval_holds_zero(pairs: list[tuple[float, float]]) -> None:
    ours = {seed: a for seed, (a, _) in enumerate(pairs)}
    theirs = {seed: b for seed, (_, b) in enumerate(pairs)}
    found, mirrored = paired_difference(ours, theirs), paired_difference(theirs, ours)
    assert found.low <= found.high
    assert (found.verdict in ("within noise", "same")) == (found.low <= 0 <= found.high)
    assert mirrored.mean == pytest.approx(-found.mean)
    opposite = {"higher": "lower", "lower": "higher"}
    assert mirrored.verdict == opposite.get(found.verdict, found.verdict)


def family(rng: np.random.Generator, assemblies: int, measures: int, seeds: int) -> list[Difference]:
    """Differences of assemblies to one baseline in several measures, where nothing differs."""
    base = rng.normal(size=(measures, seeds))
    return [
        paired_difference(dict(enumerate(rng.normal(size=seeds))), dict(enumerate(base[measure])))
        for measure in range(measures)
        for _ in range(assemblies)
    ]


def test_where_nothing_differs_a_family_names_a_difference_in_5_of_100_cases_at_most() -> None:
    rng = np.random.default_rng(0)
    before = now = 0
    for _ in range(300):
        differences = family(rng, 5, 6, 5)
        before += any(found.verdict in ("higher", "lower") for found in differences)
        now += any(found.verdict in ("higher", "lower") for found in corrected(differences))
    assert before > 180
    assert now / 300 < 0.05 + 2.6 * (0.05 * 0.95 / 300) ** 0.5


def test_each_difference_has_its_interval_at_the_level_of_holm() -> None:
    rng = np.random.default_rng(1)
    values = [rng.normal(size=8) + shift for shift in (0.1, 3.0, 9.0, 0.2)]
    given = [paired_difference(dict(enumerate(own)), dict.fromkeys(range(8), 0.0)) for own in values]
    alone = Difference(0.5, math.nan, math.nan, 1, "one seed")
    found = corrected([*given, alone])
    assert found[4] == alone
    assert [one.verdict for one in found[:4]] == ["within noise", "higher", "higher", "within noise"]
    for place, m in ((2, 4), (1, 3), (0, 2), (3, 2)):
        expected = stats.ttest_1samp(values[place], 0).confidence_interval(1 - 0.05 / m)
        assert (found[place].low, found[place].high) == pytest.approx(tuple(expected))
