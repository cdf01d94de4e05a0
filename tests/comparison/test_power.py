"""How many seeds show a difference: published figures, and tests that are really made."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from netlab.comparison.comparison import compare
from netlab.comparison.power import power_of, power_rows, seeds_needed, spread_interval
from netlab.comparison.tables import to_json
from netlab.errors import UsageError
from netlab.runs.directory import RunDirectory
from netlab.runs.record import RunRecord


def run(norm: str, seed: int, accuracy: float) -> RunRecord:
    config: dict[str, Any] = {
        table: {"name": name}
        for table, name in (("data", "digits"), ("backbone", "compact"), ("block", "residual"))
    }
    config |= {"norm": {"name": norm}, "training": {"seed": seed}}
    return RunRecord(RunDirectory(Path(f"{norm}-{seed}")), config, result={"test_accuracy": accuracy})


def runs(norm: str, *accuracies: float) -> list[RunRecord]:
    return [run(norm, seed, accuracy) for seed, accuracy in enumerate(accuracies)]


@pytest.mark.parametrize(("spread", "seeds"), [(0.5, 7), (1, 18), (2, 65)])
def test_a_point_is_shown_by_the_seeds_that_the_textbook_gives(spread: float, seeds: int) -> None:
    """For independent runs of this deviation in points: Cohen's tables for d = 1 / (spread sqrt(2))."""
    assert seeds_needed(spread * math.sqrt(2), 1.0) == seeds


@pytest.mark.parametrize(("spread", "difference"), [(1.0, 1.0), (1.0, 0.45)])
def test_tests_that_are_really_made_find_the_difference_in_four_of_five(
    spread: float, difference: float
) -> None:
    n, rng = seeds_needed(spread, difference), np.random.default_rng(0)

    def found(pairs: int) -> float:
        drawn = rng.normal(difference, spread, (40_000, pairs))
        return float(np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05))

    assert found(n) >= 0.79
    assert found(n - 1) < 0.81


def test_the_ends_are_two_and_a_number_that_nobody_trains() -> None:
    assert seeds_needed(0.0, 0.01) == 2
    assert seeds_needed(10.0, 0.001) == 100_000


def test_the_interval_of_a_spread_holds_the_truth_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(0, 3, (4000, 5)).std(axis=1, ddof=1)
    held = [low <= 3 <= high for low, high in (spread_interval(float(value), 5) for value in samples)]
    assert 0.94 < np.mean(held) < 0.96


def test_the_spread_is_that_of_the_paired_differences() -> None:
    (found,) = power_of(compare([*runs("none", 0.80, 0.82, 0.81), *runs("bn", 0.81, 0.84, 0.81)]), 0.01)
    assert (found.assembly, found.n) == ("bn", 3)
    assert found.spread == pytest.approx(np.std([0.01, 0.02, 0.0], ddof=1))
    assert found.seeds == seeds_needed(0.01, 0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.seeds <= found.high


def test_one_assembly_alone_says_what_another_like_it_would_need() -> None:
    (found,) = power_of(compare(runs("none", 0.80, 0.82)), 0.01)
    assert found.spread == pytest.approx(0.01 * math.sqrt(2) * math.sqrt(2))


def test_one_seed_tells_nothing() -> None:
    found = power_of(compare([*runs("none", 0.8), *runs("bn", 0.9)]), 0.01)
    assert power_rows(found) == [["bn", "1", "-", "-", "-", "-"]]


def test_json_holds_it_and_a_difference_that_is_none_is_refused() -> None:
    comparison = compare([*runs("none", 0.80, 0.82), *runs("bn", 0.81, 0.84)])
    (entry,) = json.loads(to_json([comparison], power=0.01))["comparisons"]
    assert entry["power"]["difference"] == 0.01
    assert [row["assembly"] for row in entry["power"]["assemblies"]] == ["bn"]
    assert "power" not in json.loads(to_json([comparison]))["comparisons"][0]
    for wrong in (0.0, -0.01, 1.5, math.nan):
        with pytest.raises(UsageError, match="above 0"):
            power_of(comparison, wrong)
