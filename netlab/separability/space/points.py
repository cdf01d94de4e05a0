"""The points of a space and of its reference, prepared for the search of neighbours on first use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from netlab.neighbours.dtypes import Int
from netlab.neighbours.matrix import FeatureMatrix
from netlab.neighbours.operands import OutOfRangeError, SortedPoints
from netlab.neighbours.search import Search


@dataclass(frozen=True, slots=True)
class LabelledPoints:
    """Features (n, d) with class codes int64 (n,) in [0, classes)."""

    matrix: FeatureMatrix
    codes: Int
    classes: int

    @property
    def counts(self) -> Int:
        """Points a class, int64 (classes,)."""
        return np.bincount(self.codes, minlength=self.classes).astype(np.int64)

    def sorted(self, memory: int, *, exponent: int = 0, like: SortedPoints | None = None) -> SortedPoints:
        """Sorted by class, within ``memory`` bytes beside the features."""
        matrix = self.matrix
        return SortedPoints(
            matrix,
            self.codes,
            self.classes,
            memory=memory,
            device=matrix.device,
            exponent=exponent,
            like=like,
        )


class PointSets:
    """The points of a space, which of them are queries, and the reference points (or none)."""

    def __init__(
        self, points: LabelledPoints, queries: Int, reference: LabelledPoints | None, memory: int
    ) -> None:
        self.points, self.queries, self.memory = points, queries, memory
        self._reference = reference

    @property
    def query_codes(self) -> Int:
        """Class codes of the queries, int64 (m,)."""
        return self.points.codes[self.queries]

    @property
    def reference(self) -> LabelledPoints:
        """The reference points; ValueError without."""
        if self._reference is None:
            raise ValueError(
                "a cross metric measures points against others: give reference features and labels "
                "(for a run: the test split, measured against the training points)"
            )
        return self._reference

    @cached_property
    def in_common_units(self) -> tuple[LabelledPoints, LabelledPoints]:
        """The points and the reference points, multiplied by the same power of two."""
        pair = self.points, self.reference
        exponent = min(points.matrix.exponent for points in pair)
        own, reference = (
            points
            if points.matrix.exponent == exponent
            else replace(points, matrix=FeatureMatrix(points.matrix.held, exponent=exponent))
            for points in pair
        )
        return own, reference

    @cached_property
    def sorted(self) -> SortedPoints:
        """The points, sorted by class."""
        return self.points.sorted(self.memory)

    @cached_property
    def within(self) -> Search:
        """The search for the queries' neighbours among the other points."""
        return Search(self.sorted, self.sorted.positions(self.queries), self.sorted, True)

    @cached_property
    def across(self) -> Search:
        """The search for the queries' neighbours among the reference points."""
        own, reference = self.in_common_units
        memory, exponent = self.memory // 2, 0
        while True:
            points = reference.sorted(memory, exponent=exponent)
            try:
                queries = own.sorted(memory, like=points)
            except OutOfRangeError as error:
                exponent = min(error.exponent, exponent - 1)
            else:
                return Search(queries, queries.positions(self.queries), points, False)
