"""Checks of metrics. Contract: ``netlab.kinds.metric``.

The tags of a metric say which space it needs: ``targets``, ``reference``, ``layers``, ``unlabelled``. A tag
``range:LOW:HIGH`` (either may be empty) states the bounds of its value, ``better:higher`` or
``better:lower`` which way is better (``better:neither`` of a value that is no score).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from netlab.engine.metric_tags import stated_direction, stated_range
from netlab.errors import UsageError, first_line
from netlab.kinds.metric import MetricResult
from netlab.testing.checks import NotApplicable, Subject, expect
from netlab.testing.exercised import exercised, is_refusal
from netlab.testing.fresh import fresh
from netlab.testing.measured import checked, expect_same, measure, same, tags_of
from netlab.testing.metric_limits import (
    class_of_one_point,
    empty_class,
    few_features_and_points,
    never_nan,
    one_class,
)  # fmt: skip
from netlab.testing.points import POINTS, Points, clusters, shuffled, space_of

FAR = 30.0  # the separation of clusters that no metric can mistake
QUERIES = 25
MEANS = 1e-3  # within which mean distances are known
TINY, STEP = 2.0**-36, 2.0**-24  # features of about 1e-11, and 1e-18, where the space works in other units


def exercise(subject: Subject) -> None:
    """Overlapping clusters, measured."""
    measure(subject, clusters())


def result(subject: Subject) -> None:
    """The value is a float; per class keyed by names; per point float (n,) where given."""
    found = measure(subject, clusters())
    unknown = set(found.per_class) - {"0", "1", "2"}
    expect(not unknown, f"per_class has {sorted(unknown)}, which are not class names")


def bounds(subject: Subject) -> None:
    """The value is finite, and in the range that the tag 'range:LOW:HIGH' states."""
    low, high = stated_range(tags_of(subject))
    tied = clusters(rounded=True)
    for what, points in (
        ("overlapping clusters", clusters()),
        ("clusters far apart", clusters(FAR)),
        ("labels at random", shuffled(clusters())),
        ("points with many ties", tied),
    ):
        found = measure(subject, points)
        value = float(found.value)
        if points is tied and found.notes and not math.isfinite(value):
            continue  # it is not defined there, and says so
        expect(math.isfinite(value), f"{what}: the value is {value}")
        expect(
            low <= value <= high,
            f"{what}: the value is {value}, outside the stated range {low:g} to {high:g}",
        )


def direction(subject: Subject) -> None:
    """A tag states which way is better: 'better:higher', 'better:lower', 'better:neither' of no score."""
    expect(
        stated_direction(tags_of(subject)) is not None,
        "no tag says whether a higher or a lower value is better: 'better:higher' or 'better:lower'"
        " ('better:neither' of a value that is no score)",
    )


def better_separation(subject: Subject) -> None:
    """Clusters far apart have a better value than overlapping ones, and those than labels at random."""
    stated = stated_direction(tags_of(subject))
    if stated not in ("higher", "lower"):
        raise NotApplicable("it states no direction")
    if tags_of(subject) & {"unlabelled", "layers"}:
        raise NotApplicable("it does not look at labels alone")
    sign = 1 if stated == "higher" else -1
    steps: tuple[tuple[str, Points], ...]
    if "targets" in tags_of(subject):
        steps = (("targets at random", shuffled(clusters())), ("targets that follow a feature", clusters()))
    else:
        steps = (
            ("labels at random", shuffled(clusters())),
            ("overlapping clusters", clusters()),
            ("clusters far apart", clusters(FAR)),
        )
    values = [measure(subject, points).value for _, points in steps]
    for (worse, _), (better, _), first, second in zip(steps, steps[1:], values, values[1:], strict=False):
        expect(
            sign * (second - first) >= -1e-9,
            f"{better} have the value {second:g}, {worse} {first:g}: it states that {stated} is better",
        )
    expect(
        sign * (values[-1] - values[0]) > 1e-9,
        f"{steps[-1][0]} and {steps[0][0]} have the same value {values[0]:g}",
    )


def order_of_points(subject: Subject) -> None:
    """The value does not depend on the order of the points, ties included; values a point move with them."""
    for what, points in (("", clusters()), (" that hold many ties", clusters(rounded=True))):
        first = measure(subject, points)
        for seed in (2, 5):
            order = np.random.default_rng(seed).permutation(POINTS)
            second = measure(subject, points.ordered(order))
            expect_same(first, second, f"another order of the points{what}")
            if first.per_point is None or second.per_point is None:
                continue
            moved = np.asarray(first.per_point, np.float64)[order]
            expect(
                np.allclose(moved, second.per_point, rtol=MEANS, atol=MEANS, equal_nan=True),
                f"in another order of the points{what} per_point does not move with them",
            )


def names_of_classes(subject: Subject) -> None:
    """The value does not depend on how classes are called or numbered; values a class follow the names."""
    if tags_of(subject) & {"unlabelled", "targets"}:
        raise NotApplicable("it has no labels")
    points = clusters()
    first = measure(subject, points)
    names = ["zebra", "ape", "mole"]
    renamed = measure(subject, points, names=names)
    expect_same(first, renamed, "renaming the classes")
    for number, name in enumerate(names):
        if str(number) in first.per_class and name in renamed.per_class:
            values = float(first.per_class[str(number)]), float(renamed.per_class[name])
            expect(
                same(*values),
                f"renaming the classes changed the value of one from {values[0]:g} to {values[1]:g}",
            )
    reference = points.reference
    assert reference is not None
    apart = replace(
        points, labels=90 - 7 * points.labels, reference=replace(reference, labels=90 - 7 * reference.labels)
    )
    expect_same(first, measure(subject, apart), "numbering the classes 90, 83, 76")


def sampled_queries(subject: Subject) -> None:
    """A sample of queries works: values a point are as among all points, and NaN where not measured."""
    points = clusters()
    space = space_of(tags_of(subject), points, sample_queries=QUERIES)
    try:
        found = checked(subject, subject.build(space), space)
    except UsageError as error:
        expect(is_refusal(error), f"with {QUERIES} of {POINTS} points as queries: {first_line(error)}")
        raise NotApplicable(first_line(error)) from None
    whole = measure(subject, points)
    if found.per_point is None or whole.per_point is None:
        return
    sampled, everyone = (np.asarray(r.per_point, np.float64) for r in (found, whole))
    measured = np.union1d(space.queries, np.flatnonzero(np.isfinite(sampled)))
    expect(
        np.allclose(sampled[measured], everyone[measured], rtol=MEANS, atol=MEANS, equal_nan=True),
        "of a sample of queries per_point differs from that of all points: values belong to"
        " space.queries, the rest is NaN",
    )


def repeatable(subject: Subject) -> None:
    """The same points give the same value, whatever the seeds are and was measured before."""
    space = space_of(tags_of(subject), clusters())
    first = fresh(subject)(space)
    expect(isinstance(first, MetricResult), f"it gave {type(first).__name__}, not a MetricResult")
    for seed in (1, 2):
        np.random.seed(seed)
        torch.manual_seed(seed)
        random.seed(seed)
        measure(subject, shuffled(clusters(seed=seed)))
        again = measure(subject, clusters())
        expect_same(first, again, "measuring other points in between, or another seed,")


def units(subject: Subject) -> None:
    """A length or a square of one is in the units of the features, also where the space works in others."""
    values = []
    for factor in (TINY, 2 * TINY, 4 * TINY, TINY * STEP):
        try:
            values.append(float(measure(subject, clusters().scaled(factor)).value))
        except UsageError as error:
            raise NotApplicable(first_line(error)) from None
    first, second, third, tiny = values
    ratios = [b / a if a else math.nan for a, b in ((first, second), (second, third))]
    if not all(ratio > 0 for ratio in ratios) or not math.isclose(*ratios, rel_tol=1e-4):
        raise NotApplicable("it is no power of the features' scale")
    power = math.log2(ratios[0])
    expected = first * STEP**power
    expect(
        math.isclose(tiny, expected, rel_tol=1e-3),
        f"features {STEP:.2g} times as large give {tiny:.3g} instead of {expected:.3g}: the space works in"
        " units of 2 ** space.exponent there (numpy.ldexp(value, -space.exponent) for a length)",
    )


def input_unchanged(subject: Subject) -> None:
    """The features and labels are not changed."""
    points, untouched = clusters(), clusters()
    space = space_of(tags_of(subject), points)
    rows, codes = np.array(space.rows()), np.array(space.codes)
    subject.build(space)
    kept = np.array_equal(space.rows(), rows) and np.array_equal(space.codes, codes)
    given = np.array_equal(points.features, untouched.features) and np.array_equal(
        points.labels, untouched.labels
    )
    expect(kept and given, "it changed the features or the labels")


CHECKS: tuple[Callable[[Subject], None], ...] = (
    *exercised(exercise),
    result,
    bounds,
    direction,
    better_separation,
    order_of_points,
    names_of_classes,
    sampled_queries,
    repeatable,
    one_class,
    class_of_one_point,
    empty_class,
    few_features_and_points,
    never_nan,
    units,
    input_unchanged,
)
