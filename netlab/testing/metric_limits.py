"""Checks of metrics where they may not be defined: few points, one class, no spread."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from netlab.errors import UsageError, first_line
from netlab.separability import FeatureSpace
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.exercised import is_refusal
from netlab.testing.measured import checked, tags_of
from netlab.testing.points import CLASSES, POINTS, Points, clusters, space_of


def one_class(subject: Subject) -> None:
    """Points of one class give a value, or a ValueError of one line."""
    points = clusters()
    expect_value_or_refusal(
        subject, replace(points, labels=np.zeros_like(points.labels)), "points of one class"
    )


def class_of_one_point(subject: Subject) -> None:
    """A class with a single point gives a value, or a ValueError of one line."""
    points = clusters()
    labels = np.where(np.arange(POINTS) == 7, CLASSES, points.labels)
    expect_value_or_refusal(subject, replace(points, labels=labels), "a class of one point")


def empty_class(subject: Subject) -> None:
    """A class that only the reference points have gives a value, or a ValueError of one line; never NaN."""
    points = clusters()
    assert points.reference is not None
    if "targets" in tags_of(subject):
        raise NotApplicable("it has no labels")
    kept = points.ordered(np.flatnonzero(points.labels != 1))
    reference = FeatureSpace(points.reference.features, points.reference.labels)
    previous = (
        FeatureSpace(kept.features[:, ::-1] ** 2, kept.labels) if "layers" in tags_of(subject) else None
    )
    space = FeatureSpace(kept.features, kept.labels, reference=reference, previous=previous)
    expect_value(subject, space, "a class that only the reference points have")


def few_features_and_points(subject: Subject) -> None:
    """One feature, more features than points, and six points give a value, or a ValueError of one line."""
    for what, points in (
        ("one feature", clusters(features=1)),
        ("more features than points", clusters(points=12, features=40)),
        ("six points", clusters(points=6)),
        ("two points", clusters(points=2, classes=2)),
        ("twenty classes", clusters(points=100, classes=20)),
    ):
        expect_value_or_refusal(subject, points, what)


def expect_value_or_refusal(subject: Subject, points: Points, what: str) -> None:
    """A component says that it is not defined with a ValueError; it does not crash."""
    try:
        space = space_of(tags_of(subject), points)
    except ValueError as error:
        raise NotApplicable(first_line(error)) from None
    expect_value(subject, space, what)


def expect_value(subject: Subject, space: FeatureSpace, what: str) -> None:
    """A value that is one, or a refusal."""
    try:
        found = subject.build(space)
    except UsageError as error:
        expect("\n" not in str(error), f"{what}: the refusal has several lines")
        expect(is_refusal(error), f"{what}: {first_line(error)}: say with ValueError where it is not defined")
        return
    except Exception as error:
        raise ConformanceError(
            f"{what}: expected a value or a ValueError, not {first_line(error)}"
        ) from error
    try:
        checked(subject, found, space)
    except ConformanceError as error:
        raise ConformanceError(f"{what}: {error}") from None


def never_nan(subject: Subject) -> None:
    """Features with NaN, and points that are all the same, never give a NaN without a note that says why."""
    points = clusters()
    broken = points.features.copy()
    broken[3, 1] = np.nan
    for what, given in (
        ("features with NaN", broken),
        ("points that are all the same", np.ones_like(points.features)),
    ):
        try:
            found = subject.build(space_of(tags_of(subject), replace(points, features=given)))
        except (UsageError, ValueError):
            continue
        except Exception as error:
            raise ConformanceError(
                f"{what}: expected a value or a ValueError, not {first_line(error)}"
            ) from error
        silent = math.isnan(float(found.value)) and not found.notes
        expect(not silent, f"{what} gave NaN without a note: raise ValueError, or say why in notes")
