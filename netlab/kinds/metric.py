"""Metrics: how well features separate the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric on one set of features.

    ``value`` is a float, in the range that the metric's docstring states; ``standard_error`` is that
    of ``value`` over points, or None where it has no meaning. ``per_class`` is keyed by class name.
    ``per_point`` is float (n,) in the order of the points given, NaN for points that were not measured
    (``--sample-queries``). ``extra`` holds further named numbers (quantiles, variants), ``notes``
    sentences that a reader of the value must know.
    """

    value: float
    standard_error: float | None = None
    per_class: Mapping[str, float] = field(default_factory=dict)
    per_point: NDArray[np.float64] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def from_points(
        cls, values: Any, space: Any, *, extra: Mapping[str, Any] | None = None, notes: tuple[str, ...] = ()
    ) -> MetricResult:
        """The mean of one number a query point.

        ``values`` (m,) belong to ``space.queries``. The standard error is s / sqrt(m), s with divisor
        m - 1; for a sample of the points times sqrt(1 - m / n), so that it is 0 when all are measured
        in the sample's place. ``extra['balanced']`` is the mean of the class means.
        """
        import numpy as np

        values = np.asarray(values, dtype=np.float64)
        m, n = len(values), space.n
        error = float(values.std(ddof=1) / np.sqrt(m)) if m > 1 else None
        if error is not None and m < n:
            error *= float(np.sqrt(1 - m / n))
        codes = space.codes[space.queries]
        per_class = {
            name: float(values[codes == k].mean())
            for k, name in enumerate(space.class_names)
            if (codes == k).any()
        }
        per_point = np.full(n, np.nan)
        per_point[space.queries] = values
        more: dict[str, Any] = {"balanced": float(np.mean(list(per_class.values())))}
        return cls(
            float(values.mean()),
            error,
            per_class,
            per_point,
            {**more, **(extra or {})},
            (*notes, *space.notes),
        )


class NearestPoints(Protocol):
    """The nearest point (or class mean) of every query. Ties are all at exactly the least distance.

    ``own`` float (m,): the share of the tied ones with the query's label. ``any_own``, ``all_own`` bool
    (m,): whether one or all have it. ``first`` int (m,): the class code of the one with the lowest
    index. ``confusion`` float (classes, classes): queries by their class (row) and the class of their
    nearest point (column), ties shared.
    """

    own: Float
    any_own: NDArray[np.bool_]
    all_own: NDArray[np.bool_]
    first: Int
    confusion: Float


class NearestInOrder(Protocol):
    """The ``order`` nearest points of every query, by distance, then index.

    ``classes`` and ``indices`` int (m, order), ``squared_distances`` float (m, order). ``closer`` and
    ``closer_own`` int (m,): how many points are strictly nearer than the last of them, and how many of
    those have the query's label. ``tied`` and ``tied_own``: the same for the points at exactly the
    distance of the last, inside the order or beyond it.
    """

    classes: Int
    indices: Int
    squared_distances: Float
    closer: Int
    closer_own: Int
    tied: Int
    tied_own: Int


class Space(Protocol):
    """What a metric is given (``netlab.separability.FeatureSpace``): every quantity is computed once.

    n points, d features, K classes; m queries, the points that per-point quantities are computed for
    (all n, unless the user asked for a sample). Distances are Euclidean, decided exactly.
    """

    n: int
    d: int
    class_names: tuple[str, ...]  # K names
    codes: Int  # (n,) in [0, K)
    counts: Int  # (K,) points a class
    queries: Int  # (m,) indices of points
    labelled: bool  # False where only targets were given: codes are then all 0
    targets: Float | None  # (n, t) for metrics of regression
    reference: Space | None  # other points of the same features (training points), for cross metrics
    previous: Space | None  # the layer before, same points
    notes: tuple[str, ...]  # what holds for every metric of this space
    nearest: NearestPoints  # among the other points
    nearest_reference: NearestPoints  # among the reference points; ValueError without
    nearest_centres: NearestPoints  # among the class means
    nearest_centres_loo: NearestPoints  # the same, each query left out of its own class mean
    nearest_reference_centres: NearestPoints  # among the class means of the reference points
    nearest_distances: tuple[Float, Float]  # (m,) each: squared, to the own and to another class
    run_lengths: Float  # (m,) signed run of own- (+) or other-class (-) neighbours
    mean_distances: Float  # (m, K) mean distance to the other points of each class; NaN for none
    centres: Float  # (K, d) class means
    centre_distances: Float  # (n, K) squared distance to each class mean
    reference_counts: Int  # (K,)

    def neighbours(self, order: int) -> NearestInOrder:
        """The ``order`` nearest other points; ValueError unless 1 <= order < n."""
        ...

    def rows(self, indices: Any = ...) -> Float:
        """Features of some points (default all), float64 (rows, d)."""
        ...

    def blocks(self) -> Iterator[tuple[slice, Float]]:
        """Features of all points, a part at a time."""
        ...

    def products(self, other: Any = None) -> NDArray[np.float32]:
        """Inner products of the points (with those of ``reference``) about a common centre."""
        ...

    def alignment(self, other: Any) -> tuple[float, float, float]:
        """Inner products ⟨K, K⟩, ⟨K, L⟩, ⟨L, L⟩ of the centred linear kernels of two layers."""
        ...


class Metric(Protocol):
    """A metric component: a function of the shared feature space of a layer.

    The function's docstring is shown by ``netlab metrics --list``: give the formula, the range, the
    rule for ties and the source.
    """

    def __call__(self, space: Any, *, options: Any) -> MetricResult:
        """Measure ``space``, a ``Space``.

        Raises:
            ValueError: with one clear line, when the metric is not defined on this space.
        """
        ...
