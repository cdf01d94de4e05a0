"""Metrics that break one rule each."""

import numpy as np

from netlab.kinds.metric import MetricResult


def whole_number(space, *, options):
    """An int."""
    return MetricResult(1)


def too_large(space, *, options):
    """More than the stated range."""
    return MetricResult(1.5)


def first_point(space, *, options):
    """Depends on which point is the first."""
    return MetricResult(float(np.asarray(space.rows())[0, 0]))


def length_of_name(space, *, options):
    """Depends on a class's name."""
    return MetricResult(float(len(space.class_names[0])))


def divides_by_classes(space, *, options):
    """Divides by zero when there is one class."""
    return MetricResult(1.0 / (len(space.class_names) - 1))


def divides_by_members(space, *, options):
    """Divides by zero when a class has one point."""
    return MetricResult(1.0 / (int(space.counts.min()) - 1))


def ratio_of_spreads(space, *, options):
    """0 / 0 when all points are the same."""
    rows = np.asarray(space.rows())
    with np.errstate(invalid="ignore"):
        return MetricResult(float(rows.std(0).sum() / rows.std(0).sum()))


def overwrites_labels(space, *, options):
    """Opens the labels of the space for writing, and changes them."""
    space.codes.flags.writeable = True
    space.codes[:] = 0
    return MetricResult(0.0)
