"""The means of the classes, and how far the points are from them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netlab.neighbours.class_means import class_means, nearest_class_means
from netlab.neighbours.decision import NearestDecision
from netlab.neighbours.dtypes import Float
from netlab.neighbours.tiles import ProgressCallback
from netlab.separability.space.points import LabelledPoints, PointSets
from netlab.separability.space.read_only import read_only


class ClassMeans:
    """Class means, and which of them is nearest to each of m queries; each is computed on first use."""

    def __init__(self, sets: PointSets, progress: ProgressCallback | None) -> None:
        self._sets, self._progress = sets, progress

    @cached_property
    def values(self) -> Float:
        """The means, float64 (classes, d), in the units of ``FeatureSpace.rows``; NaN for an empty class."""
        points = self._sets.points
        return read_only(class_means(points.matrix, points.codes, points.classes).values)

    @cached_property
    def squared_distances(self) -> Float:
        """Squared distance of every point to every class mean: float64 (n, classes)."""
        matrix = self._sets.points.matrix
        result = np.empty((matrix.n, len(self.values)))
        for block in matrix.blocks():
            rows = matrix.exact(block)
            for k, mean in enumerate(self.values):
                result[block, k] = np.square(rows - mean).sum(axis=1)
        return read_only(result)

    @cached_property
    def nearest(self) -> NearestDecision:
        """The nearest class mean of every query."""
        return self._nearest(self._sets.points, self._sets.points)

    @cached_property
    def nearest_leave_one_out(self) -> NearestDecision:
        """The same with the query left out of its own class mean."""
        return self._nearest(self._sets.points, self._sets.points, leave_one_out=True)

    @cached_property
    def nearest_reference(self) -> NearestDecision:
        """The nearest class mean of the reference points, of every query; ValueError without them."""
        return self._nearest(*self._sets.in_common_units)

    def _nearest(
        self, own: LabelledPoints, averaged: LabelledPoints, *, leave_one_out: bool = False
    ) -> NearestDecision:
        return read_only(
            nearest_class_means(
                own.matrix, self._sets.queries, self._sets.query_codes, averaged.matrix, averaged.codes,
                averaged.classes, leave_one_out=leave_one_out, progress=self._progress,
            )
        )  # fmt: skip
