"""Checks of metrics. Contract: ``netlab.kinds.metric``.

The tags of a metric say which space it needs: ``targets``, ``reference``, ``layers``, ``unlabelled``. A
tag ``range:LOW:HIGH`` (either may be empty) states the bounds of its value.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.engine.declaration import stated_range
from netlab.errors import UsageError, first_line
from netlab.kinds.metric import MetricResult
from netlab.separability import FeatureSpace
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect

POINTS, FEATURES, CLASSES = 60, 5, 3


def clusters(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Three overlapping clusters: features float64 (60, 5), labels int64 (60,), 20 a class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(POINTS) % CLASSES
    centres = 2.0 * generator.standard_normal((CLASSES, FEATURES))
    return centres[labels] + generator.standard_normal((POINTS, FEATURES)), labels


def space_of(subject: Subject, features: Any, labels: Any, names: Any = None) -> FeatureSpace:
    """The space that the metric's tags ask for; label i is called ``names[i]`` where names are given."""
    used = np.unique(labels)
    labels = labels if names is None else np.asarray(names)[labels]
    tags = subject.component.spec.tags
    more: dict[str, Any] = {}
    if "reference" in tags:
        reference_features, reference_labels = clusters(seed=1)
        reference_labels = used[reference_labels % len(used)]
        more["reference"] = FeatureSpace(
            reference_features, reference_labels if names is None else np.asarray(names)[reference_labels]
        )
    if "layers" in tags:
        more["previous"] = FeatureSpace(np.asarray(features)[:, ::-1] ** 2, labels)
    if "targets" in tags:
        return FeatureSpace(features, targets=np.asarray(features)[:, 0] * 2, **more)
    return FeatureSpace(features, labels, **more)


def measure(subject: Subject, features: Any, labels: Any, names: Any = None) -> MetricResult:
    """The metric's result."""
    result = subject.build(space_of(subject, features, labels, names))
    expect(isinstance(result, MetricResult), f"it gave {type(result).__name__}, not a MetricResult")
    assert isinstance(result, MetricResult)
    return result


def expect_same(first: MetricResult, second: MetricResult, what: str) -> None:
    """The values agree to rounding."""
    same = math.isclose(first.value, second.value, rel_tol=1e-6, abs_tol=1e-9)
    expect(same, f"{what} changed the value from {first.value!r} to {second.value!r}")


def result(subject: Subject) -> None:
    """The value is a float; per class keyed by names; per point float (n,) where given."""
    found = measure(subject, *clusters())
    expect(isinstance(found.value, float), f"value is {type(found.value).__name__}, expected float")
    unknown = set(found.per_class) - {"0", "1", "2"}
    expect(not unknown, f"per_class has {sorted(unknown)}, which are not class names")
    if found.per_point is not None:
        shape = np.shape(found.per_point)
        expect(shape == (POINTS,), f"per_point is {shape} for {POINTS} points")


def bounds(subject: Subject) -> None:
    """The value is finite, and in the range that the tag 'range:LOW:HIGH' states."""
    low, high = stated_range(subject.component.spec.tags)
    features, labels = clusters()
    shuffled = np.random.default_rng(3).permutation(labels)
    for what, points, classes in (
        ("overlapping clusters", features, labels),
        ("clusters far apart", features + 100.0 * labels[:, None], labels),
        ("labels at random", features, shuffled),
    ):
        value = float(measure(subject, points, classes).value)
        expect(math.isfinite(value), f"{what}: the value is {value}")
        expect(
            low <= value <= high,
            f"{what}: the value is {value}, outside the stated range {low:g} to {high:g}",
        )


def order_of_points(subject: Subject) -> None:
    """The value does not depend on the order of the points."""
    features, labels = clusters()
    order = np.random.default_rng(2).permutation(POINTS)
    expect_same(
        measure(subject, features, labels),
        measure(subject, features[order], labels[order]),
        "another order of the points",
    )


def names_of_classes(subject: Subject) -> None:
    """The value does not depend on how the classes are called."""
    if subject.component.spec.tags & {"unlabelled", "targets"}:
        raise NotApplicable("it has no labels")
    features, labels = clusters()
    renamed = measure(subject, features, labels, names=["zebra", "ape", "mole"])
    expect_same(measure(subject, features, labels), renamed, "renaming the classes")


def one_class(subject: Subject) -> None:
    """Points of one class give a value, or a ValueError of one line."""
    features, labels = clusters()
    expect_value_or_refusal(subject, features, np.zeros_like(labels), "points of one class")


def class_of_one_point(subject: Subject) -> None:
    """A class with a single point gives a value, or a ValueError of one line."""
    features, labels = clusters()
    labels = np.where(np.arange(POINTS) == 7, CLASSES, labels)
    expect_value_or_refusal(subject, features, labels, "a class of one point")


def expect_value_or_refusal(subject: Subject, features: Any, labels: Any, what: str) -> None:
    """A component says that it is not defined with a ValueError; it does not crash."""
    try:
        space = space_of(subject, features, labels)
    except ValueError as error:
        raise NotApplicable(first_line(error)) from None
    try:
        subject.build(space)
    except UsageError as error:
        expect("\n" not in str(error), f"{what}: the refusal has several lines")
    except Exception as error:
        raise ConformanceError(
            f"{what}: expected a value or a ValueError, not {first_line(error)}"
        ) from error


def never_nan(subject: Subject) -> None:
    """Features with NaN, and points that are all the same, never give a NaN without a note that says why."""
    features, labels = clusters()
    broken = features.copy()
    broken[3, 1] = np.nan
    for what, given in (
        ("features with NaN", broken),
        ("points that are all the same", np.ones_like(features)),
    ):
        try:
            found = subject.build(space_of(subject, given, labels))
        except (UsageError, ValueError):
            continue
        except Exception as error:
            raise ConformanceError(
                f"{what}: expected a value or a ValueError, not {first_line(error)}"
            ) from error
        silent = math.isnan(float(found.value)) and not found.notes
        expect(not silent, f"{what} gave NaN without a note: raise ValueError, or say why in notes")


def input_unchanged(subject: Subject) -> None:
    """The features and labels are not changed."""
    features, labels = clusters()
    space = space_of(subject, features, labels)
    rows, codes = np.array(space.rows()), np.array(space.codes)
    subject.build(space)
    same = np.array_equal(space.rows(), rows) and np.array_equal(space.codes, codes)
    given = np.array_equal(features, clusters()[0]) and np.array_equal(labels, clusters()[1])
    expect(same and given, "it changed the features or the labels")


CHECKS = (
    result,
    bounds,
    order_of_points,
    names_of_classes,
    one_class,
    class_of_one_point,
    never_nan,
    input_unchanged,
)
