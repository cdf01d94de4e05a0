"""The feature space of one layer: its points, and what metrics ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from netlab.neighbours.dtypes import Float, Int
from netlab.neighbours.matrix import (
    FeatureMatrix,
    Standardization,
    finite_rows,
    first_not_finite,
    moderating_exponent,
)
from netlab.neighbours.standardize import fit_standardization, value_range
from netlab.neighbours.tiles import ProgressCallback, class_minima
from netlab.separability.space.class_means import ClassMeans
from netlab.separability.space.halves import Halves
from netlab.separability.space.labels import encode_labels, label_values, target_values
from netlab.separability.space.linear_kernel import LinearKernel
from netlab.separability.space.neighbours import ClassMinima, Neighbours
from netlab.separability.space.points import LabelledPoints, PointSets
from netlab.separability.space.read_only import read_only

if TYPE_CHECKING:
    from netlab.kinds.metric import Space

DEFAULT_MEMORY = 4 << 30


class FeatureSpace:
    """Features with labels, and everything that metrics ask of them (the protocol ``kinds.metric.Space``).

    Args:
        features: (n, d) array or tensor of any real type; a memory-mapped file stays on disk. Never
            changed.
        labels: n labels of any kind (integers with gaps, strings); or None with ``targets``.
        targets: n numbers, or (n, t), for metrics of regression.
        reference: another space of the same features; the cross metrics measure this one's points
            against that one's.
        previous: the space of the layer before, with the same points, for metrics of two layers.
        standardize: True scales every feature to mean 0 and standard deviation 1 over these points; a
            ``Standardization`` does so with the numbers of others (those of the training points); by
            default what the reference does, without one nothing.
        memory: bytes to keep to, beside the features themselves. Where a sorted float32 copy does not
            fit, parts of it are made again and again.
        nan: "raise", or "omit" the points that have a feature that is not finite.
        sample_queries: estimate from that many points, drawn with ``seed``, each measured against all
            points; the estimate is unbiased. (A subset of the points measured against itself is not.)
        class_names: the names of integer labels 0, 1, ...
        progress: called with (done, total) during long work.
        minima: does the work of ``tiles.class_minima`` in another way, such as on other machines.

    Raises:
        ValueError: with one line, if the arrays do not fit together, hold NaN or infinity, or the
            labels are continuous.
    """

    def __init__(  # noqa: PLR0913 - everything that decides the space, by keyword
        self,
        features: Any,
        labels: Any = None,
        *,
        targets: Any = None,
        reference: FeatureSpace | None = None,
        previous: FeatureSpace | None = None,
        standardize: bool | Standardization | None = None,
        memory: int = DEFAULT_MEMORY,
        nan: Literal["raise", "omit"] = "raise",
        sample_queries: int | None = None,
        seed: int = 0,
        class_names: Sequence[str] | None = None,
        progress: ProgressCallback | None = None,
        minima: ClassMinima = class_minima,
    ) -> None:
        given = FeatureMatrix(features)
        values = np.zeros(given.n, dtype=np.int64) if labels is None else label_values(labels)
        if len(values) != given.n:
            raise ValueError(f"there are {given.n} points but {len(values)} labels")
        goals = None if targets is None else target_values(targets, given.n)
        matrix, self.kept = _finite(given, nan)
        if self.kept is not None:
            values, goals = values[self.kept], None if goals is None else goals[self.kept]
        _check_sizes(matrix, reference, previous)
        matrix = _standardized(matrix, standardize, reference)

        self._label_values = values
        groups = [values] if reference is None else [values, reference._label_values]
        coded = encode_labels(*groups, names=None if class_names is None else tuple(class_names))
        self.class_names: tuple[str, ...] = coded[0].names
        classes = len(self.class_names)
        points = LabelledPoints(matrix, read_only(coded[0].codes), classes)
        others = None if reference is None else LabelledPoints(reference.matrix, coded[1].codes, classes)
        self.reference, self.previous = reference, previous
        self.targets: Float | None = None if goals is None else read_only(goals)
        self.labelled = labels is not None
        self.counts: Int = read_only(points.counts)
        self.queries: Int = read_only(_draw(matrix.n, sample_queries, seed))
        self.notes: tuple[str, ...] = tuple(self._remarks(given.n - matrix.n))
        self._sets = PointSets(points, self.queries, others, memory)
        self._class_minima, self._progress = minima, progress

    def _remarks(self, omitted: int) -> Iterator[str]:
        if self.labelled and len(self.class_names) == 1:
            yield "all points are of one class: there is nothing to tell apart"
        if omitted:
            yield f"{omitted} point(s) with a feature that is not finite left out"
        if len(self.queries) < len(self._label_values):
            yield f"estimated from {len(self.queries)} of {len(self._label_values)} points as queries"

    @property
    def matrix(self) -> FeatureMatrix:
        """The features as they are given and read."""
        return self._sets.points.matrix

    @property
    def codes(self) -> Int:
        """Class of every point, int64 (n,), an index into ``class_names``."""
        return self._sets.points.codes

    @property
    def n(self) -> int:
        """Number of points."""
        return self.matrix.n

    @property
    def d(self) -> int:
        """Number of features."""
        return self.matrix.d

    @property
    def exponent(self) -> int:
        """``rows`` are the features times 2 ** exponent: 0 but for extreme ones that are not standardized."""
        return 0 if self.standardization is not None else self.matrix.exponent

    @property
    def standardization(self) -> Standardization | None:
        """What was subtracted and divided by, if anything."""
        return self.matrix.standardization

    @property
    def reference_counts(self) -> Int:
        """Reference points a class, int64 (classes,); ValueError without."""
        return self._sets.reference.counts

    def rows(self, indices: Any = slice(None)) -> Float:
        """Features of some points (default all), standardized if the space is: a new float64 (rows, d)."""
        return self.matrix.exact(
            indices if isinstance(indices, slice) else np.asarray(indices, dtype=np.int64)
        )

    def blocks(self) -> Iterator[tuple[slice, Float]]:
        """``rows`` of all points, a part at a time."""
        for block in self.matrix.blocks():
            yield block, self.rows(block)

    @cached_property
    def neighbours(self) -> Neighbours:
        """The nearest points of every query."""
        return Neighbours(self._sets, self._class_minima, self._progress)

    @cached_property
    def class_means(self) -> ClassMeans:
        """The class means, and the nearest of them to every query."""
        return ClassMeans(self._sets, self._progress)

    @cached_property
    def kernel(self) -> LinearKernel:
        """Inner products of the points."""
        return LinearKernel(self._sets)

    @cached_property
    def halves(self) -> Halves:
        """Halves of a sample of the points: how much a value varies from sample to sample."""
        return Halves(self._sets.points)


def _finite(matrix: FeatureMatrix, nan: str) -> tuple[FeatureMatrix, Int | None]:
    """The matrix in a moderate range; with ``omit`` its finite rows, and which those are."""
    low, high = value_range(matrix) if matrix.n else (0.0, 0.0)
    if np.isfinite([low, high]).all():
        return FeatureMatrix(matrix.held, exponent=moderating_exponent(low, high)), None
    if nan != "omit":
        found = first_not_finite(matrix)
        assert found is not None
        row, column, value = found
        raise ValueError(
            f"features hold {value} at point {row}, feature {column}; clean them, or leave such points out "
            "(--nan omit, nan='omit')"
        )
    kept = np.flatnonzero(finite_rows(matrix))
    held = matrix.held[torch.from_numpy(kept)] if matrix.tensor is not None else matrix.array[kept]
    return _finite(FeatureMatrix(held), "raise")[0], kept


def _check_sizes(
    matrix: FeatureMatrix, reference: FeatureSpace | None, previous: FeatureSpace | None
) -> None:
    if matrix.n < 2:
        raise ValueError(f"{matrix.n} point(s) given; separability needs at least 2")
    if reference is not None and reference.d != matrix.d:
        raise ValueError(f"the points have {matrix.d} features but the reference points have {reference.d}")
    if previous is not None and previous.n != matrix.n:
        raise ValueError(f"this layer has {matrix.n} points but the layer before has {previous.n}")


def _standardized(
    matrix: FeatureMatrix, standardize: bool | Standardization | None, reference: FeatureSpace | None
) -> FeatureMatrix:
    if standardize is None and reference is not None:
        standardize = reference.standardization
    if standardize is True:
        standardize = fit_standardization(matrix)
    if reference is not None and reference.standardization is not (standardize or None):
        raise ValueError("points and reference points are standardized differently")
    return FeatureMatrix(matrix.held, standardize) if isinstance(standardize, Standardization) else matrix


def _draw(n: int, sample_queries: int | None, seed: int) -> Int:
    """The queries: all points, or a sample of them without replacement, ascending."""
    if sample_queries is None:
        return np.arange(n)
    if not sample_queries >= 2:
        raise ValueError(f"sample_queries is {sample_queries}; expected at least 2")
    if sample_queries >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample_queries, replace=False))


if TYPE_CHECKING:

    def _fulfils_the_contract(space: FeatureSpace) -> Space:
        return space
