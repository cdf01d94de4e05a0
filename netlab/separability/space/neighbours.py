"""The nearest points of every query: who they are, and how far."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from netlab.neighbours import nearest
from netlab.neighbours.decision import NearestDecision
from netlab.neighbours.dtypes import Float, Float32
from netlab.neighbours.mean_distances import mean_distances
from netlab.neighbours.nearest import NeighboursInOrder
from netlab.neighbours.operands import SortedPoints
from netlab.neighbours.tiles import ProgressCallback, query_minima
from netlab.separability.space.points import PointSets
from netlab.separability.space.read_only import read_only

ClassMinima = Callable[[SortedPoints, ProgressCallback | None], Float32]


class Neighbours:
    """What the nearest points of m queries say; each quantity is computed on first use.

    Distances are Euclidean, in the units of ``FeatureSpace.rows``.
    """

    def __init__(self, sets: PointSets, class_minima: ClassMinima, progress: ProgressCallback | None) -> None:
        self._sets, self._class_minima, self._progress = sets, class_minima, progress
        self._in_order: dict[int, NeighboursInOrder] = {}

    @cached_property
    def _minima(self) -> Float32:
        search = self._sets.within
        if len(search) < search.points.n:
            return query_minima(search, self._progress)
        return self._class_minima(search.points, self._progress)[search.rows]

    @cached_property
    def _least(self) -> tuple[Float, Float]:
        return nearest.nearest_distances(self._sets.within, self._minima)

    @cached_property
    def nearest(self) -> NearestDecision:
        """The nearest other point of every query."""
        return read_only(nearest.nearest(self._sets.within, self._minima))

    @cached_property
    def nearest_reference(self) -> NearestDecision:
        """The nearest reference point of every query; ValueError without reference points."""
        search = self._sets.across
        return read_only(nearest.nearest(search, query_minima(search, self._progress)))

    @cached_property
    def nearest_distances(self) -> tuple[Float, Float]:
        """Exact squared distances of every query to the nearest other point of its own class and to
        the nearest point of another class: two float64 (m,), infinity where there is none."""
        own, other = (_unscaled(squared, self._sets.sorted) for squared in self._least)
        return read_only((own, other))

    @cached_property
    def run_lengths(self) -> Float:
        """Signed length of the run of neighbours of the same (+) or other (-) classes: float64 (m,)."""
        return read_only(nearest.run_lengths(self._sets.within, *self._least))

    @cached_property
    def mean_distances(self) -> Float:
        """Mean distance of every query to the other points of each class: float64 (m, classes).

        Within a thousandth, most within 1e-5. NaN where a class has no other point.
        """
        means = mean_distances(self._sets.within, self._progress)
        return read_only(np.ldexp(means, -self._sets.sorted.exponent))

    def in_order(self, order: int) -> NeighboursInOrder:
        """The ``order`` nearest other points of every query, ties at the end counted.

        Raises:
            ValueError: unless 1 <= order < n.
        """
        n = self._sets.sorted.n
        if not 1 <= order < n:
            raise ValueError(
                f"order {order} needs more than {order} points, but there are {n}; "
                f"expected an order from 1 to {n - 1}"
            )
        if order not in self._in_order:
            found = nearest.neighbours_in_order(self._sets.within, order, self._progress)
            found.squared_distances[...] = _unscaled(found.squared_distances, self._sets.sorted)
            self._in_order[order] = read_only(found)
        return self._in_order[order]


def _unscaled(squared: Float, points: SortedPoints) -> Float:
    """Squared distances without the power of two that brings standardized features into float32's range."""
    return np.ldexp(squared, -2 * points.exponent)
