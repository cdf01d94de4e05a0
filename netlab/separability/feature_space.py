"""The feature space of one layer: each quantity is computed once, on first use, and shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours import class_means as _centres
from netlab.neighbours import nearest as _nearest
from netlab.neighbours.class_means import NearestCentres
from netlab.neighbours.matrix import (
    Source,
    Standardization,
    encode_labels,
    finite_rows,
    first_not_finite,
    label_values,
    moderating_exponent,
)
from netlab.neighbours.nearest import Nearest, Neighbours, Query
from netlab.neighbours.operands import Float, Int, OutOfRangeError, Points
from netlab.neighbours.standardize import fit_standardization, value_range
from netlab.neighbours.tiles import Progress, class_minima, distance_rows, query_minima

DEFAULT_MEMORY = 4 << 30

Minima = Callable[[Points, Progress | None], NDArray[np.float32]]


class FeatureSpace:
    """Features with labels, and everything that metrics ask of them.

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

    def __init__(
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
        progress: Progress | None = None,
        minima: Minima = class_minima,
    ) -> None:
        source = Source(features)
        values = np.zeros(source.n, dtype=np.int64) if labels is None else label_values(labels)
        if len(values) != source.n:
            raise ValueError(f"there are {source.n} points but {len(values)} labels")
        goals = None if targets is None else _targets(targets, source.n)
        source, keep, self.omitted = _finite(source, nan)
        self.kept: Int | None = None if keep is None else np.flatnonzero(keep)
        if keep is not None:
            values, goals = values[keep], None if goals is None else goals[keep]
        if source.n < 2:
            raise ValueError(f"{source.n} point(s) given; separability needs at least 2")
        if reference is not None and reference.d != source.d:
            raise ValueError(
                f"the points have {source.d} features but the reference points have {reference.d}"
            )
        if previous is not None and previous.n != source.n:
            raise ValueError(f"this layer has {source.n} points but the layer before has {previous.n}")
        if standardize is None and reference is not None:
            standardize = reference.standardization
        if standardize is True:
            standardize = fit_standardization(source)
        if reference is not None and reference.standardization is not (standardize or None):
            raise ValueError("points and reference points are standardized differently")
        if isinstance(standardize, Standardization):
            source = Source(source.held, standardize)
        self.source = source
        # What distances are multiplied by to be in units of the features.
        self._unit = 1.0 if source.standardization is not None else 2.0**-source.exponent
        self.memory = memory
        self.progress = progress
        self._class_minima = minima
        self.previous = previous
        self.targets = goals
        self.labelled = labels is not None
        names = None if class_names is None else tuple(class_names)
        self._label_values: NDArray[Any] = values
        groups = [values] if reference is None else [values, reference._label_values]
        coded = encode_labels(*groups, names=names)
        self.class_names: tuple[str, ...] = coded[0].names
        self.codes: Int = coded[0].codes
        self.counts: Int = np.bincount(self.codes, minlength=len(self.class_names)).astype(np.int64)
        self.reference = reference
        self._reference_codes = None if reference is None else coded[1].codes
        self.notes: tuple[str, ...] = ()
        if labels is not None and len(self.class_names) == 1:
            self.notes += ("all points are of one class: there is nothing to tell apart",)
        if self.omitted:
            self.notes += (f"{self.omitted} point(s) with a feature that is not finite left out",)
        self.queries: Int = np.arange(self.n)
        if sample_queries is not None:
            if not sample_queries >= 2:
                raise ValueError(f"sample_queries is {sample_queries}; expected at least 2")
            if sample_queries < self.n:
                generator = np.random.default_rng(seed)
                self.queries = np.sort(generator.choice(self.n, sample_queries, replace=False))
                self.notes += (f"estimated from {sample_queries} of {self.n} points as queries",)

    @property
    def n(self) -> int:
        """Number of points."""
        return self.source.n

    @property
    def d(self) -> int:
        """Number of features."""
        return self.source.d

    @property
    def sampled(self) -> bool:
        """Whether per-point quantities are for a sample of the points only."""
        return len(self.queries) < self.n

    @property
    def standardization(self) -> Standardization | None:
        return self.source.standardization

    def rows(self, indices: Any = slice(None)) -> Float:
        """Features as the metrics see them (standardized, if the space is): float64 (rows, d)."""
        rows = indices if isinstance(indices, slice) else np.asarray(indices, dtype=np.int64)
        return self.source.exact(rows) * self._unit

    def blocks(self) -> Iterator[tuple[slice, Float]]:
        """``rows`` of all points, a part at a time."""
        for block in self.source.blocks():
            yield block, self.rows(block)

    # -- nearest points ---------------------------------------------------------------------------

    @cached_property
    def _points(self) -> Points:
        return Points(
            self.source, self.codes, len(self.class_names), memory=self.memory, device=self.source.device
        )

    @cached_property
    def _position(self) -> Int:
        position = np.empty(self.n, dtype=np.int64)
        position[self._points.order] = np.arange(self.n)
        return position

    @cached_property
    def _query(self) -> Query:
        return Query(self._points, self._position[self.queries], self.codes[self.queries], True)

    @cached_property
    def _minima(self) -> NDArray[np.float32]:
        if self.sampled:
            return query_minima(
                self._points, self._query.rows, self._points, exclude_self=True, progress=self.progress
            )
        return self._class_minima(self._points, self.progress)[self._query.rows]

    @cached_property
    def _across(self) -> tuple[Query, Points]:
        """This space's points as queries against the reference points."""
        if self.reference is None or self._reference_codes is None:
            raise ValueError(
                "a cross metric measures points against others: give reference features and labels "
                "(for a run: the test split, measured against the training points)"
            )
        classes = len(self.class_names)
        (own, source), memory = self._common_scale(), self.memory // 2
        exponent = 0
        while True:
            points = Points(
                source, self._reference_codes, classes, memory=memory, device=source.device, exponent=exponent
            )
            try:
                queries = Points(own, self.codes, classes, memory=memory, device=source.device, like=points)
                break
            except OutOfRangeError as error:
                exponent = min(error.exponent, exponent - 1)
        position = np.empty(self.n, dtype=np.int64)
        position[queries.order] = np.arange(self.n)
        return Query(queries, position[self.queries], self.codes[self.queries], False), points

    def _common_scale(self) -> tuple[Source, Source]:
        """This source and the reference's, multiplied by the same power of two."""
        assert self.reference is not None
        own, other = self.source, self.reference.source
        exponent = min(own.exponent, other.exponent)
        return tuple(  # type: ignore[return-value]
            s if s.exponent == exponent else Source(s.held, exponent=exponent) for s in (own, other)
        )

    @cached_property
    def nearest(self) -> Nearest:
        """The nearest other point of every query."""
        return _nearest.nearest(self._query, self._points, self._minima)

    @cached_property
    def nearest_reference(self) -> Nearest:
        """The nearest reference point of every query."""
        query, points = self._across
        minima = query_minima(query.points, query.rows, points, exclude_self=False, progress=self.progress)
        return _nearest.nearest(query, points, minima)

    @cached_property
    def nearest_distances(self) -> tuple[Float, Float]:
        """Exact squared distances of every query to the nearest other point of its own class and to
        the nearest point of another class: two float64 (m,), infinity where there is none."""
        own, other = _nearest.nearest_distances(self._query, self._points, self._minima)
        factor = self._distance_unit
        return own * factor * factor, other * factor * factor

    @property
    def _distance_unit(self) -> float:
        return self._unit * 2.0**-self._points.exponent

    def neighbours(self, order: int) -> Neighbours:
        """The ``order`` nearest other points of every query, ties at the end counted.

        Raises:
            ValueError: if there are no more than ``order`` points.
        """
        if not 1 <= order < self.n:
            raise ValueError(
                f"order {order} needs more than {order} points, but there are {self.n}; "
                f"expected an order from 1 to {self.n - 1}"
            )
        if order not in self._neighbours:
            found = _nearest.neighbours(self._query, self._points, order, self.progress)
            found.squared_distances[...] *= self._distance_unit
            found.squared_distances[...] *= self._distance_unit
            self._neighbours[order] = found
        return self._neighbours[order]

    @cached_property
    def _neighbours(self) -> dict[int, Neighbours]:
        return {}

    @cached_property
    def run_lengths(self) -> Float:
        """Signed length of the run of own- or other-class neighbours of every query: float64 (m,)."""
        own, other = _nearest.nearest_distances(self._query, self._points, self._minima)
        return _nearest.run_lengths(self._query, self._points, own, other)

    @cached_property
    def mean_distances(self) -> Float:
        """Mean Euclidean distance of every query to the other points of each class: float64 (m, classes).

        From float32 products: about four digits. NaN where a class has no other point.
        """
        points, query = self._points, self._query
        totals = np.zeros((len(query.rows), len(self.class_names)))
        for part, tile in distance_rows(
            points, query.rows, points, exclude_self=True, progress=self.progress
        ):
            tile[torch.isinf(tile)] = 0.0
            tile.clamp_(min=0.0).sqrt_()
            for k in range(len(self.class_names)):
                columns = tile[:, int(points.starts[k]) : int(points.starts[k + 1])]
                totals[part, k] = columns.sum(1).cpu().numpy()
        totals *= self._distance_unit
        others = np.tile(self.counts, (len(query.rows), 1))
        others[np.arange(len(query.rows)), query.codes] -= 1
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(others > 0, totals / others, np.nan)

    # -- class means ------------------------------------------------------------------------------

    @cached_property
    def nearest_centres(self) -> NearestCentres:
        """The nearest class mean of every query."""
        return self._nearest_centres(leave_one_out=False)

    @cached_property
    def nearest_centres_loo(self) -> NearestCentres:
        """The same with the query left out of its own class mean."""
        return self._nearest_centres(leave_one_out=True)

    def _nearest_centres(self, *, leave_one_out: bool) -> NearestCentres:
        return _centres.nearest_centres(
            self.source, self.queries, self.codes[self.queries], self.source, self.codes,
            len(self.class_names), leave_one_out=leave_one_out, progress=self.progress,
        )  # fmt: skip

    @cached_property
    def nearest_reference_centres(self) -> NearestCentres:
        """The nearest class mean of the reference points, of every query."""
        self._require_reference()
        assert self._reference_codes is not None
        own, other = self._common_scale()
        return _centres.nearest_centres(
            own, self.queries, self.codes[self.queries], other,
            self._reference_codes, len(self.class_names), progress=self.progress,
        )  # fmt: skip

    def _require_reference(self) -> None:
        if self.reference is None:
            _ = self._across

    @property
    def reference_counts(self) -> Int:
        """Reference points a class, int64 (classes,)."""
        self._require_reference()
        assert self._reference_codes is not None
        return np.bincount(self._reference_codes, minlength=len(self.class_names)).astype(np.int64)

    @cached_property
    def centres(self) -> Float:
        """Class means, float64 (classes, d); NaN for a class without points."""
        return _centres.class_means(self.source, self.codes, len(self.class_names)).values * self._unit

    @cached_property
    def centre_distances(self) -> Float:
        """Squared distance of every point to every class mean: float64 (n, classes)."""
        result = np.empty((self.n, len(self.class_names)))
        for block, rows in self.blocks():
            for k, centre in enumerate(self.centres):
                result[block, k] = np.square(rows - centre).sum(axis=1)
        return result

    # -- products ---------------------------------------------------------------------------------

    def products(self, other: FeatureSpace | None = None) -> NDArray[np.float32]:
        """Inner products of the points (with those of ``other``), less a common centre: (n, m) float32.

        The centre is about the mean of this space's points (of ``other``'s, if given), so that the
        numbers are small; the rows are in the order of the points.

        Raises:
            ValueError: if the matrix does not fit the memory allowed.
        """
        if other is not None and other is not self.reference:
            raise ValueError("products are of a space with itself or with its reference")
        query, points = (self._query, self._points) if other is None else self._across
        size = 4 * self.n * points.n
        if size > self.memory:
            raise ValueError(
                f"the {self.n} × {points.n} matrix of inner products needs {size / 2**30:.1f} GiB, more "
                f"than the {self.memory / 2**30:.1f} GiB allowed; measure fewer points"
            )
        result = np.empty((self.n, points.n), dtype=np.float32)
        unit = self._unit * 2.0**-points.exponent
        rows = np.arange(self.n)
        q_points = torch.from_numpy(points.q).to(points.device, torch.float32)
        for part, tile in distance_rows(query.points, rows, points, exclude_self=False):
            q = torch.from_numpy(query.points.q[rows[part]]).to(points.device, torch.float32)
            inner = tile.neg_().add_(q[:, None]).add_(q_points).mul_(0.5 * unit * unit)
            result[np.ix_(query.points.order[part], points.order)] = inner.cpu().numpy()
        return result

    def alignment(self, other: FeatureSpace) -> tuple[float, float, float]:
        """Inner products of the centred linear kernels K = X Xᵀ, L = Y Yᵀ of two spaces with the same
        points: (⟨K, K⟩, ⟨K, L⟩, ⟨L, L⟩). Nothing of size n × n is kept."""
        if other.n != self.n or not np.array_equal(other._points.order, self._points.order):
            raise ValueError("two layers can only be aligned on the same points in the same order")
        rows = np.arange(self.n)
        sums = {"kk": 0.0, "kl": 0.0, "ll": 0.0}
        margins = [np.empty(self.n), np.empty(self.n)]
        for (part, first), (_, second) in zip(
            _kernel_rows(self._points, rows), _kernel_rows(other._points, rows), strict=True
        ):
            sums["kk"] += float((first * first).sum(1, dtype=torch.float64).sum())
            sums["kl"] += float((first * second).sum(1, dtype=torch.float64).sum())
            sums["ll"] += float((second * second).sum(1, dtype=torch.float64).sum())
            for margin, tile in zip(margins, (first, second), strict=True):
                margin[part] = tile.sum(1, dtype=torch.float64).cpu().numpy()

        def centred(total: float, a: Float, b: Float) -> float:
            return total - 2 * float(a @ b) / self.n + float(a.sum() * b.sum()) / self.n**2

        k, l = margins  # noqa: E741
        return centred(sums["kk"], k, k), centred(sums["kl"], k, l), centred(sums["ll"], l, l)


def _kernel_rows(points: Points, rows: Int) -> Iterator[tuple[slice, Tensor]]:
    q_points = torch.from_numpy(points.q).to(points.device, torch.float32)
    for part, tile in distance_rows(points, rows, points, exclude_self=False):
        yield part, tile.neg_().add_(q_points[part][:, None]).add_(q_points).mul_(0.5)


def _targets(targets: Any, n: int) -> Float:
    array = targets.detach().cpu().numpy() if isinstance(targets, Tensor) else np.asarray(targets)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"targets are of type {array.dtype}; expected numbers")
    array = array.astype(np.float64).reshape(len(array), -1)
    if len(array) != n:
        raise ValueError(f"there are {n} points but {len(array)} targets")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"targets are not finite at point {row}")
    return array


def _finite(source: Source, nan: str) -> tuple[Source, NDArray[np.bool_] | None, int]:
    """The source in a moderate range; with ``omit`` its finite rows, which those are, and how many not."""
    low, high = value_range(source) if source.n else (0.0, 0.0)
    if np.isfinite([low, high]).all():
        return Source(source.held, exponent=moderating_exponent(low, high)), None, 0
    if nan != "omit":
        found = first_not_finite(source)
        assert found is not None
        row, column, value = found
        raise ValueError(
            f"features hold {value} at point {row}, feature {column}; clean them, or leave such points out "
            "(--nan omit, nan='omit')"
        )
    keep = finite_rows(source)
    kept = np.flatnonzero(keep)
    held = source.held[torch.from_numpy(kept)] if source.tensor is not None else source.array[kept]
    return _finite(Source(held), "raise")[0], keep, len(keep) - len(kept)
