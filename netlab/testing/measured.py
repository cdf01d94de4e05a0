"""A metric's result on points, of the types and lengths that the contract states."""

from __future__ import annotations

import math
from typing import Any

from netlab.kinds.metric import MetricResult
from netlab.separability import FeatureSpace
from netlab.separability.metric_results import result_problem
from netlab.testing.checks import Subject, expect
from netlab.testing.points import Points, space_of


def tags_of(subject: Subject) -> frozenset[str]:
    return frozenset(subject.component.spec.tags)


def measure(subject: Subject, points: Points, **more: Any) -> MetricResult:
    """The metric's result, of the types and lengths that the contract states."""
    space = space_of(tags_of(subject), points, **more)
    return checked(subject, subject.build(space), space)


def checked(subject: Subject, result: Any, space: FeatureSpace) -> MetricResult:
    """The result itself, if its types, lengths and names are right."""
    expect(isinstance(result, MetricResult), f"it gave {type(result).__name__}, not a MetricResult")
    assert isinstance(result, MetricResult)
    expect(isinstance(result.value, float), f"value is {type(result.value).__name__}, expected float")
    problem = result_problem(result, space, tags_of(subject))
    expect(not problem, problem)
    return result


def same(first: float, second: float) -> bool:
    """Whether two values agree to rounding."""
    return math.isclose(first, second, rel_tol=1e-6, abs_tol=1e-9) or (
        math.isnan(first) and math.isnan(second)
    )


def expect_same(first: MetricResult, second: MetricResult, what: str) -> None:
    """The values agree to rounding."""
    expect(
        same(first.value, second.value), f"{what} changed the value from {first.value!r} to {second.value!r}"
    )
