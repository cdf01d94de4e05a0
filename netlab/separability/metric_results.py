"""Checks what a metric gave, before anything is written: types, lengths, names and its declared range."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from netlab.engine.metric_tags import stated_range
from netlab.kinds.metric import MetricResult

ROUNDING = 1e-6  # by which a value may be outside of its range, relative to the bound


def result_problem(result: Any, space: Any, tags: Iterable[str]) -> str:
    """What is wrong with a metric's result on ``space``, or an empty text. ``tags`` are the metric's."""
    if not isinstance(result, MetricResult):
        return f"it gave {type(result).__name__}, not MetricResult"
    return (
        number_problem(result)
        or range_problem(float(result.value), stated_range(tags))
        or class_problem(result, space.class_names)
        or point_problem(result.per_point, space.n)
        or text_problem(result)
    )


def number_problem(result: MetricResult) -> str:
    if not isinstance(result.value, Real):
        return f"its value is {type(result.value).__name__}, not a number"
    if not math.isfinite(result.value) and not result.notes:
        return f"its value is {float(result.value)}, and no note says why"
    error = result.standard_error
    if error is not None and not (isinstance(error, Real) and not error < 0):
        return f"its standard_error is {error!r:.40}, expected a number from 0 up, or None"
    interval = result.interval
    if interval is not None and not (
        isinstance(interval, tuple)
        and len(interval) == 2
        and all(isinstance(end, Real) for end in interval)
        and not interval[0] > interval[1]
    ):
        return f"its interval is {interval!r:.60}, expected its lower and upper end, or None"
    return ""


def range_problem(value: float, bounds: tuple[float, float]) -> str:
    low, high = bounds
    if math.isfinite(value) and not (
        low - ROUNDING * max(1, abs(low)) <= value <= high + ROUNDING * max(1, abs(high))
    ):
        return f"its value {value:g} is not in the range from {low:g} to {high:g} that it declares"
    return ""


def class_problem(result: MetricResult, class_names: Iterable[str]) -> str:
    if not isinstance(result.per_class, Mapping):
        return f"per_class is {type(result.per_class).__name__}, not a mapping from class names to numbers"
    known = set(class_names)
    for name, value in result.per_class.items():
        if name not in known:
            return f"per_class has {name!r:.40}, which is no class name"
        if not isinstance(value, Real):
            return f"per_class of {name!r:.40} is {type(value).__name__}, not a number"
    return ""


def point_problem(per_point: Any, n: int) -> str:
    if per_point is None:
        return ""
    array = np.asarray(per_point)
    if array.shape != (n,):
        return f"per_point has shape {array.shape}, expected ({n},): one number a point"
    if array.dtype.kind not in "fiub":
        return f"per_point is {array.dtype}, expected floats"
    return ""


def text_problem(result: MetricResult) -> str:
    if not isinstance(result.extra, Mapping):
        return f"extra is {type(result.extra).__name__}, not a mapping from names to numbers"
    if not isinstance(result.notes, (tuple, list)) or not all(isinstance(n, str) for n in result.notes):
        return f"notes is {result.notes!r:.40}, expected a tuple of texts"
    return ""
