"""Metrics: how well features separate the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric on one set of features.

    ``value`` is a float, in the range that the metric's docstring states; ``standard_error`` is that
    of ``value`` over points, or None where it has no meaning. ``per_class`` is keyed by class name.
    ``per_point`` is float (n,) in the order of the points given. ``extra`` holds further named
    numbers (quantiles, variants), ``notes`` sentences that a reader of the value must know.
    """

    value: float
    standard_error: float | None = None
    per_class: Mapping[str, float] = field(default_factory=dict)
    per_point: NDArray[np.float64] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Metric(Protocol):
    """A metric component: a function of the shared feature space of a layer.

    The space (``netlab.separability.FeatureSpace``) computes each quantity once, on first use:
    squared distances to the nearest point of every class, k nearest neighbours, class centres.
    """

    def __call__(self, space: Any, *, options: Any) -> MetricResult:
        """Measure ``space``.

        Raises:
            ValueError: with one clear line, when the metric is not defined on this space.
        """
        ...
