"""Metrics: how well features separate the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int64]
    Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric on one set of features.

    ``value`` is a float, in the range that the metric's docstring states; ``standard_error`` and
    ``interval`` (lower and upper end, 95 %) say what other samples of as many points would give, or are
    None where that has no meaning. ``per_class`` is keyed by class name. ``per_point`` is float (n,) in the
    order of the points given, NaN for points that were not measured (``--sample-queries``). ``extra`` holds
    further named numbers (quantiles, variants), ``notes`` sentences that a reader of the value must know.
    """

    value: float
    standard_error: float | None = None
    per_class: Mapping[str, float] = field(default_factory=dict)
    per_point: NDArray[np.float64] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    interval: tuple[float, float] | None = None

    @classmethod
    def from_points(
        cls,
        values: Any,
        space: Any,
        *,
        design_effect: float = 1.0,
        between: tuple[float, float] | None = None,
        extra: Mapping[str, Any] | None = None,
        notes: tuple[str, ...] = (),
    ) -> MetricResult:
        """The mean of one number a query point.

        ``values`` (m,) belong to ``space.queries``. The variance of their mean is s² (1/m + (e - 1)/n), s
        with divisor m - 1 and e the ``design_effect``: 1 where one point has nothing to do with the next,
        else what ``space.halves.design_effect`` says. Give the range of the values as ``between``: near its
        ends the interval is not symmetric. ``extra['balanced']`` is the mean of the class means.
        """
        import numpy as np

        from netlab.kinds.interval import mean_interval

        values = np.asarray(values, dtype=np.float64)
        m, n, mean = len(values), space.n, float(values.mean())
        codes = space.codes[space.queries]
        per_class = {
            name: float(values[codes == k].mean())
            for k, name in enumerate(space.class_names)
            if (codes == k).any()
        }
        per_point = np.full(n, np.nan)
        per_point[space.queries] = values
        result = cls(
            mean,
            per_class=per_class,
            per_point=per_point,
            extra={"balanced": float(np.mean(list(per_class.values()))), **(extra or {})},
            notes=(*notes, *space.notes),
        )
        if m < 2:
            return result
        share = 1 / m + (design_effect - 1) / n
        variance = float(values.var(ddof=1)) * share
        interval = mean_interval(mean, variance, 1 / share, between)
        return replace(result, standard_error=float(np.sqrt(variance)), interval=interval)


class NearestDecision(Protocol):
    """The nearest point (or class mean) of m queries. Ties are all at exactly the least distance."""

    @property
    def own(self) -> Float:
        """The share of the tied ones that have the query's label, (m,) in [0, 1]."""
        ...

    @property
    def any_own(self) -> Bool:
        """Whether one of them has it, (m,)."""
        ...

    @property
    def all_own(self) -> Bool:
        """Whether all have it, (m,)."""
        ...

    @property
    def first(self) -> Int:
        """The class of the one with the lowest index, (m,); -1 where there is none."""
        ...

    @property
    def confusion(self) -> Float:
        """Queries by their class (row) and that of their nearest (column), ties shared: (K, K)."""
        ...


class NeighboursInOrder(Protocol):
    """The ``order`` nearest points of m queries, by distance, then index."""

    @property
    def classes(self) -> Int:
        """Class codes, (m, order)."""
        ...

    @property
    def indices(self) -> Int:
        """Indices of the points, (m, order)."""
        ...

    @property
    def squared_distances(self) -> Float:
        """Squared distances, (m, order)."""
        ...

    @property
    def closer(self) -> Int:
        """How many points are strictly nearer than the last of them, (m,)."""
        ...

    @property
    def closer_own(self) -> Int:
        """How many of those have the query's label, (m,)."""
        ...

    @property
    def tied(self) -> Int:
        """How many points are at exactly the distance of the last, in the order or beyond it, (m,)."""
        ...

    @property
    def tied_own(self) -> Int:
        """How many of those have the query's label, (m,)."""
        ...


class Neighbours(Protocol):
    """The nearest points of the queries; distances are Euclidean and decided as in float64."""

    @property
    def nearest(self) -> NearestDecision:
        """The nearest of the other points."""
        ...

    @property
    def nearest_reference(self) -> NearestDecision:
        """The nearest of the reference points; ValueError without."""
        ...

    @property
    def nearest_distances(self) -> tuple[Float, Float]:
        """Squared, (m,) each: to the nearest of the same class and of another; inf for none."""
        ...

    @property
    def run_lengths(self) -> Float:
        """Signed run of points of the same (+) or other (-) classes from the nearest on, (m,)."""
        ...

    @property
    def mean_distances(self) -> Float:
        """Mean distance to the other points of each class, (m, K); NaN for none."""
        ...

    def in_order(self, order: int) -> NeighboursInOrder:
        """The ``order`` nearest other points; ValueError unless 1 <= order < n."""
        ...


class ClassMeans(Protocol):
    """The means of the classes."""

    @property
    def values(self) -> Float:
        """The means, (K, d); NaN for a class without points."""
        ...

    @property
    def squared_distances(self) -> Float:
        """Of every point to every mean, (n, K)."""
        ...

    @property
    def nearest(self) -> NearestDecision:
        """The nearest mean of every query."""
        ...

    @property
    def nearest_leave_one_out(self) -> NearestDecision:
        """The same, each query left out of its own class's mean."""
        ...

    @property
    def nearest_reference(self) -> NearestDecision:
        """The nearest class mean of the reference points; ValueError without."""
        ...


class LinearKernel(Protocol):
    """Inner products of the points, about a common centre."""

    def products(self) -> NDArray[np.float32]:
        """Of the points with one another, (n, n); ValueError beyond the memory allowed."""
        ...

    def products_reference(self) -> NDArray[np.float32]:
        """Of the points with the reference points, (n, points of the reference); ValueError without."""
        ...

    def alignment(self, other: Any) -> tuple[float, float, float]:
        """⟨K, K⟩, ⟨K, L⟩, ⟨L, L⟩ of the centred kernels of this layer and the ``other`` kernel's, up to a
        factor for each layer."""
        ...


class Halves(Protocol):
    """A sample of s points, halved in R ways, for how much a value varies from sample to sample."""

    @property
    def points(self) -> Int:
        """Which points, (s,)."""
        ...

    @property
    def sides(self) -> Bool:
        """In which half each is, (R, s)."""
        ...

    @property
    def squared_distances(self) -> NDArray[np.float32]:
        """Of the points from one another, (s, s), in float32."""
        ...

    @property
    def distances_to_all(self) -> NDArray[np.float32]:
        """Of the first of the points, 300 at most, from all points of the space: (r, n), in float32."""
        ...

    def own_neighbours(self, order: int) -> Bool:
        """Whether the nearest, ... the ``order``-th point of its half has a point's label, (R, s, order)."""
        ...

    def own_class_means(self, *, leave_one_out: bool) -> Bool:
        """Whether a point's class has the nearest class mean of its half, (R or fewer, s)."""
        ...

    def design_effect(self, values: Any, usual: float = 1.5) -> float:
        """By what the variance of a mean exceeds that of independent points: of ``values`` (R or fewer, s),
        each measured in its half; ``usual`` is its value where nearly all values are the same."""
        ...


class Space(Protocol):
    """What a metric is given (``netlab.separability.FeatureSpace``): every quantity is computed once.

    n points, d features, K classes; m queries, the points that per-point quantities are computed for
    (all n, unless the user asked for a sample). Its arrays are shared by all metrics and can not be
    written to; those of ``rows``, ``blocks`` and ``kernel`` are made anew at each call, and yours.

    So that squares neither overflow nor vanish, everything is in units of the features times
    2 ** ``exponent``: a metric that does not depend on the scale of the features need not care, one that
    does multiplies lengths by 2 ** -exponent (``numpy.ldexp``).
    """

    @property
    def n(self) -> int:
        """Points."""
        ...

    @property
    def d(self) -> int:
        """Features."""
        ...

    @property
    def exponent(self) -> int:
        """0, but where unstandardized features are below 1e-12 or above 1e12."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names, in the order of the codes."""
        ...

    @property
    def codes(self) -> Int:
        """Class of each point, (n,) in [0, K); 0 where there are only targets."""
        ...

    @property
    def counts(self) -> Int:
        """Points a class, (K,); 0 for a class that only the reference has."""
        ...

    @property
    def queries(self) -> Int:
        """Indices of the points that are queries, (m,), ascending."""
        ...

    @property
    def labelled(self) -> bool:
        """False where there are only targets."""
        ...

    @property
    def targets(self) -> Float | None:
        """(n, t), for metrics of regression."""
        ...

    @property
    def reference(self) -> Space | None:
        """Other points of the same features (the training points), for cross metrics."""
        ...

    @property
    def reference_counts(self) -> Int:
        """Reference points a class, (K,); ValueError without."""
        ...

    @property
    def previous(self) -> Space | None:
        """The layer before, with the same points."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What holds for every metric of this space; ``from_points`` adds it."""
        ...

    @property
    def neighbours(self) -> Neighbours:
        """The nearest points of the queries."""
        ...

    @property
    def class_means(self) -> ClassMeans:
        """The means of the classes, and the nearest of them."""
        ...

    @property
    def kernel(self) -> LinearKernel:
        """Inner products."""
        ...

    @property
    def halves(self) -> Halves:
        """Halves of a sample of the points."""
        ...

    def rows(self, indices: Any = ...) -> Float:
        """Features of some points (default all), float64 (rows, d), standardized if the user asked."""
        ...

    def blocks(self) -> Iterator[tuple[slice, Float]]:
        """``rows`` of all points, a part at a time."""
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
