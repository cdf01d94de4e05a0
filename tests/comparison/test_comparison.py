"""What a comparison says of runs in memory: which are its rows, what stands in them, what it warns of."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlab.comparison.comparison import compare
from netlab.errors import UsageError
from netlab.runs.directory import RunDirectory
from netlab.runs.record import RunRecord


def run(
    block: str,
    seed: int,
    accuracy: float | None,
    *,
    si: Mapping[str, Sequence[float]] | None = None,
    **environment: str,
) -> RunRecord:
    """A run of ``block``; ``si`` by split, a value a layer. Without an accuracy it is unfinished."""
    config: dict[str, Any] = {
        "data": {"name": "digits"},
        "backbone": {"name": "compact"},
        "block": {"name": block},
        "norm": {"name": "none"},
        "training": {"seed": seed, "lr": 0.1},
    }
    result = {"test_accuracy": accuracy, "parameters": 10 * len(block), "seconds_per_epoch": 2.0 + seed}
    rows = [
        {"layer": f"layer{n}", "metric": "si", "better": "higher", "split": split, "value": value}
        for split, values in (si or {}).items()
        for n, value in enumerate(values)
    ]
    directory = RunDirectory(Path(f"{block}-{seed}"))
    finished = {} if accuracy is None else result
    return RunRecord(directory, config, environment=environment, result=finished, separability=rows)


PLAIN = [run("plain", seed, value) for seed, value in enumerate((0.80, 0.82, 0.81))]
BETTER = [run("better", seed, value) for seed, value in enumerate((0.90, 0.93, 0.91))]


def names(*records: RunRecord, **options: Any) -> list[str]:
    return [assembly.name for assembly in compare(records, **options).assemblies]


def test_the_first_assembly_is_the_baseline_and_another_when_called_by_name_or_run() -> None:
    assert names(*PLAIN, *BETTER) == ["plain", "better"]
    assert names(*PLAIN, *BETTER, baseline="better") == ["better", "plain"]
    assert names(*PLAIN, *BETTER, baseline="better-2") == ["better", "plain"]
    found = compare([*PLAIN, *BETTER], baseline="better")
    assert found.baseline.name == "better"
    assert sorted(found.baseline.runs) == [(0, 0), (1, 0), (2, 0)]


def test_an_unknown_baseline_is_refused_with_the_closest_or_all() -> None:
    with pytest.raises(UsageError, match="--baseline bettar: .*Did you mean 'better'"):
        compare([*PLAIN, *BETTER], baseline="bettar")
    with pytest.raises(UsageError, match="--baseline xyz: .*Known: plain; better"):
        compare([*PLAIN, *BETTER], baseline="xyz")


def test_means_deviations_and_differences_are_those_of_the_seeds() -> None:
    entries = compare([*PLAIN, *BETTER]).entries["test_accuracy"]
    better = entries["better"]
    assert better.summary.mean == pytest.approx(statistics.mean([0.90, 0.93, 0.91]))
    assert better.summary.sd == pytest.approx(statistics.stdev([0.90, 0.93, 0.91]))
    assert better.summary.n == 3
    assert better.difference is not None
    assert better.difference.mean == pytest.approx(statistics.mean([0.10, 0.11, 0.10]))
    assert better.difference.verdict == "higher"
    assert entries["plain"].difference is None  # the baseline has no difference to itself


def test_what_does_not_vary_with_the_seed_has_no_interval() -> None:
    found = compare([*PLAIN, *BETTER])
    exact = {measure.key: measure.exact for measure in found.measures}
    assert exact == {"parameters": True, "test_accuracy": False, "seconds_per_epoch": False}
    assert found.entries["parameters"]["better"].summary.mean == 60
    assert found.entries["parameters"]["better"].difference is None
    seconds = found.entries["seconds_per_epoch"]["better"]
    assert (seconds.summary.mean, seconds.difference and seconds.difference.verdict) == (3.0, "same")


def test_separability_is_that_of_the_last_layer_and_stands_where_it_was_measured() -> None:
    measured = [
        run("measured", seed, 0.9, si={"train": (0.1, 0.5 + seed), "test": (0.2, 0.25)}) for seed in (0, 1)
    ]
    found = compare([*PLAIN, *measured])
    assert [(measure.key, measure.title, measure.digits) for measure in found.measures] == [
        ("parameters", "parameters", 0),
        ("test_accuracy", "test accuracy ↑", 4),
        ("si_train", "SI of the last layer, train ↑", 4),
        ("si_test", "SI of the last layer, test ↑", 4),
        ("seconds_per_epoch", "seconds an epoch ↓", 2),
    ]
    assert list(found.entries["si_train"]) == ["measured"]
    assert found.entries["si_train"]["measured"].summary.mean == 1.0
    assert found.entries["si_test"]["measured"].summary.mean == 0.25
    difference = found.entries["si_train"]["measured"].difference
    assert difference is not None  # to a baseline without a value
    assert difference.verdict == "no shared seed"
    assert [measure.key for measure in compare(measured, metrics=["csi"]).measures] == [
        "parameters",
        "test_accuracy",
        "seconds_per_epoch",
    ]


def test_a_figure_that_is_no_number_is_none() -> None:
    odd = run("odd", 0, 0.9)
    odd.result["seconds_per_epoch"] = "slow"
    assert list(compare([odd, PLAIN[0]]).entries["seconds_per_epoch"]) == ["plain"]


def test_unfinished_runs_do_not_count() -> None:
    found = compare([*PLAIN, run("plain", 7, None), run("other", 0, None)])
    assert [sorted(assembly.runs) for assembly in found.assemblies] == [[(0, 0), (1, 0), (2, 0)]]
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([run("plain", 0, None)])


def test_other_data_are_refused_or_said() -> None:
    records = [run("plain", 0, 0.8, data_sha256="1"), run("plain", 1, 0.8, data_sha256="2")]
    with pytest.raises(UsageError, match="different data sets: 'plain-0' and 'plain-1'"):
        compare(records)
    assert "NOT COMPARABLE" in compare(records, force=True).warnings[0]


def test_cautions_are_of_single_seeds() -> None:
    assert compare(PLAIN[:1]).warnings == []  # nothing is compared
    (one_each,) = compare([PLAIN[0], BETTER[0]]).warnings
    assert one_each.startswith("one seed each")
    (one,) = compare([*PLAIN, BETTER[0]]).warnings
    assert one == "one seed only, so no interval: better"


def test_it_is_said_for_how_many_differences_the_intervals_hold_together() -> None:
    rng = np.random.default_rng(0)
    many = [run(f"b{n}", seed, rng.random()) for n in range(11) for seed in (0, 1, 2)]
    found = compare(many)
    differences = [
        entry.difference for each in found.entries.values() for entry in each.values() if entry.difference
    ]
    counted = sum(math.isfinite(difference.error) for difference in differences)
    assert counted >= 10
    (warning,) = found.warnings
    assert warning == f"95 % for all {counted} differences together (Holm): each interval is wider for it"
    alone = compare(many[:6]).entries["test_accuracy"]["b1"].difference
    wider = found.entries["test_accuracy"]["b1"].difference
    assert alone is not None
    assert wider is not None
    assert wider.high - wider.low > 1.5 * (alone.high - alone.low)


def test_one_shared_seed_gives_a_difference_without_an_interval() -> None:
    difference = compare([*PLAIN, BETTER[1]]).entries["test_accuracy"]["better"].difference
    assert difference is not None
    assert difference.mean == pytest.approx(0.11)
    assert math.isnan(difference.low)
    assert math.isnan(difference.high)
