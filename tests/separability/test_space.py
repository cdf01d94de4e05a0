"""The feature space: what metrics share, they can not change."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from netlab.kinds.metric import MetricResult
from netlab.separability import FeatureSpace
from netlab.separability.bound_metric import BoundMetric, bind_metrics
from netlab.separability.measuring import measure_space


@pytest.fixture
def space() -> FeatureSpace:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    reference = FeatureSpace(x[:40], y[:40])
    return FeatureSpace(x[40:], y[40:], reference=reference)


def arrays_of(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple):
        return [array for part in value for array in arrays_of(part)]
    if is_dataclass(value):
        return [array for field in fields(value) for array in arrays_of(getattr(value, field.name))]
    return []


def public(part: Any) -> list[Any]:
    names = [name for name in dir(type(part)) if not name.startswith("_")]
    return [getattr(part, name) for name in names if not callable(getattr(type(part), name))]


def test_no_array_that_metrics_share_can_be_written_to(space: FeatureSpace) -> None:
    shared = [space.codes, space.counts, space.queries]
    for part in (space.neighbours, space.class_means):
        found = [array for value in public(part) for array in arrays_of(value)]
        assert len(found) > 8
        shared += found
    shared += arrays_of(space.neighbours.in_order(3))
    shared += arrays_of(FeatureSpace(np.eye(5), targets=np.arange(5)).targets)
    for array in shared:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_metric_that_scales_what_it_is_given_is_refused_and_the_next_one_is_right(
    space: FeatureSpace,
) -> None:
    def halves(space: Any) -> MetricResult:
        space.neighbours.nearest.own[:] *= 0.5
        return MetricResult(0.0)

    (si,) = bind_metrics(["si"])
    (expected,) = measure_space(space, [si], "layer", "test").results.values()
    report = measure_space(space, [BoundMetric("halves", halves), si], "layer", "test")
    assert "read-only" in report.undefined["halves"]
    assert np.isnan(report.results["halves"].value)
    assert report.results["si"].value == expected.value > 0.2


def test_rows_are_a_copy_that_a_metric_may_change(space: FeatureSpace) -> None:
    before = space.rows().copy()
    space.rows()[:] = 0
    for _, rows in space.blocks():
        rows[:] = 0
    assert np.array_equal(space.rows(), before)
