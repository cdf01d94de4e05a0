"""What was measured of a layer on one split, and reports as the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.errors import PluginError, UsageError, first_line
from netlab.kinds.metric import MetricResult

COLUMNS = (
    "layer",
    "split",
    "metric",
    "better",
    "value",
    "standard_error",
    "low",
    "high",
    "points",
    "features",
    "seconds",
)


@dataclass(frozen=True, slots=True)
class LayerReport:
    """The metrics of one layer on one split.

    ``seconds`` are by metric; what metrics share is counted at the first that asks for it. ``kept`` are
    the points measured, by their place among those given; None: all. A metric that is ``undefined`` here,
    or that ``failed``, has NaN as its value and the reason as a note. ``better`` is which way a metric is,
    as far as that is stated: higher, lower or neither.
    """

    name: str
    split: str
    points: int
    features: int
    results: dict[str, MetricResult] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    kept: NDArray[np.int64] | None = None
    undefined: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    better: dict[str, str] = field(default_factory=dict)


def refuse_nothing(reports: Sequence[LayerReport]) -> None:
    """Refuse a measurement without a single value because no metric is defined on what was measured.

    Raises:
        UsageError: the first metric's reason.
    """
    undefined = [reason for report in reports for reason in report.undefined.items()]
    if undefined and len(undefined) == sum(len(report.results) for report in reports):
        name, reason = undefined[0]
        raise UsageError(f"metric '{name}': {reason}")


def raise_failures(reports: Sequence[LayerReport]) -> None:
    """Say at the end, when everything else is kept, which metrics failed.

    Raises:
        PluginError: the first failure, and how many there are.
    """
    failures = [error for report in reports for error in report.failed.values()]
    if failures:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(n for r in reports for n in r.failed))
        count = sum(len(report.results) for report in reports)
        raise PluginError(
            f"{first_line(failures[0])} (of {count} values {len(failures)} could not be measured: {names})"
        ) from failures[0]


def table_rows(reports: Sequence[LayerReport]) -> list[dict[str, Any]]:
    """One row a layer, split and metric, with ``COLUMNS``; missing numbers are None."""
    return [
        {
            "layer": report.name,
            "split": report.split,
            "metric": metric,
            "better": report.better.get(metric),
            "value": finite(result.value),
            "standard_error": finite(result.standard_error),
            "low": finite(result.interval and result.interval[0]),
            "high": finite(result.interval and result.interval[1]),
            "points": report.points,
            "features": report.features,
            "seconds": round(report.seconds[metric], 4),
        }
        for report in reports
        for metric, result in report.results.items()
    ]


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinity, which JSON does not have."""
    return float(value) if value is not None and math.isfinite(value) else None
