"""How well features and layers separate the classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netlab.api.installed import choose_metrics, installed
from netlab.api.plot import Plot
from netlab.api.table import Row, Table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netlab.kinds.metric import MetricResult
    from netlab.separability.bound_metric import BoundMetric

Metrics = str | Sequence[str] | Mapping[str, Mapping[str, Any]]


class LayerTable(Table):
    """Metrics of layers: a row a layer, split and metric, in the order of execution, with layer, split,
    metric, value, standard_error, low, high, points, features and seconds."""

    title: str

    def __init__(self, rows: Iterable[Row], *, title: str = "") -> None:
        from netlab.separability.layer_report import COLUMNS

        super().__init__(rows, COLUMNS)
        self.title = title

    def pivot(self) -> Table:
        """A row a layer, a column a metric and split: ``si train``, ``si test``."""
        wide: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            line = wide.setdefault(row["layer"], {"layer": row["layer"], "features": row["features"]})
            line[f"{row['metric']} {row['split']}"] = row["value"]
        return Table(wide.values())

    def plot(self) -> Plot:
        """Every metric over the layers, with bars of one standard error."""
        from netlab.separability.results import metrics_figure

        return Plot(metrics_figure(self.rows, list(dict.fromkeys(self["metric"])), self.title))


def layer_separability(  # noqa: PLR0913 - each is a flag of `netlab metrics`; most lines describe them
    model: nn.Module,
    images: Any,
    labels: Any,
    *,
    metrics: Metrics = ("si", "csi"),
    layers: str | Sequence[str] = (),
    depth: int | None = None,
    test_images: Any = None,
    test_labels: Any = None,
    standardize: bool = True,
    preprocess: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 256,
    memory: int | str = "4G",
    sample_queries: int | None = None,
    seed: int = 0,
    **options: Any,
) -> LayerTable:
    """Measure how well every layer of a network separates the classes.

    Args:
        model: any module; it is run in evaluation mode without gradients and left as it was.
        images: tensor or array (n, ...) whose rows the model takes; integers are divided by 255,
            unless ``preprocess`` says otherwise.
        labels: n labels of any kind.
        metrics: names of installed metrics (``netlab.parts("metric")``), or ``{name: {option: value}}``.
        layers: names or wildcards such as ``"layer*.0"``; default all at ``depth`` (1: the model's
            own children).
        depth: levels of module names, 1 by default or as many as a pattern has.
        test_images, test_labels: a second set, standardized with the first one's mean and deviation;
            needed by cross metrics.
        standardize: scale every feature to mean 0 and deviation 1 of the first set.
        preprocess: from a batch of ``images`` to what the model takes.
        batch_size: images a forward pass.
        memory: bytes to keep to, or ``"512M"``; as many layers a pass as fit.
        sample_queries: estimate from so many points against all.
        seed: of that sample.
        options: of the metrics: ``ties="optimistic"``, or ``si__ties`` where two have it.

    Returns:
        A row a layer, split and metric, in the order of execution: layer, split, metric, value,
        standard_error, low and high (a 95 % interval over other samples of points), points, features,
        seconds. ``.plot()`` draws curves over depth.

    Raises:
        UsageError: an unknown metric, option or layer, or a layer that does not fit the memory.

    >>> data = netlab.load_data("digits")
    >>> network = netlab.assemble(norm="bn", width=4, input=(1, 32, 32))
    >>> table = netlab.layer_separability(
    ...     network, data.test.images, data.test.labels, metrics="si", layers="conv*"
    ... )
    >>> table["layer"]
    ['conv1', 'conv2', 'conv3', 'conv4']
    """
    from netlab.separability.arrays import parse_memory
    from netlab.separability.scores import layer_separability as measure

    rows = measure(
        model, images, labels, metrics=bound_metrics(metrics, options), layers=layers, depth=depth,
        test_images=test_images, test_labels=test_labels, standardize=standardize, preprocess=preprocess,
        batch_size=batch_size, memory=parse_memory(memory) if isinstance(memory, str) else memory,
        sample_queries=sample_queries, seed=seed,
    )  # fmt: skip
    return LayerTable(rows, title=type(model).__name__)


def feature_separability(
    features: Any,
    labels: Any = None,
    *,
    metrics: Metrics = ("si", "csi"),
    targets: Any = None,
    reference: tuple[Any, Any] | None = None,
    standardize: bool = False,
    sample_queries: int | None = None,
    seed: int = 0,
    **options: Any,
) -> dict[str, MetricResult]:
    """Measure how well features separate the classes.

    Args:
        features: (n, d) array, memory-mapped file or tensor of any real type; it is not changed.
        labels: n labels of any kind.
        metrics: names of installed metrics, or ``{name: {option: value}}``.
        targets: n numbers or (n, k), for metrics of regression.
        reference: other features and their labels, which cross metrics measure these against.
        standardize: scale every feature to mean 0 and deviation 1, of the reference if there is one.
        sample_queries: estimate from so many points against all.
        seed: of that sample.
        options: of the metrics: ``ties="optimistic"``, or ``si__ties`` where two have it.

    Returns:
        ``netlab.kinds.metric.MetricResult`` by metric: ``value``, ``standard_error``, ``interval``,
        ``per_class``, ``per_point``, ``notes``.

    Raises:
        UsageError: an unknown metric or option, or one that is not defined on these features.

    >>> found = netlab.feature_separability([[0.0], [1.0], [10.0], [11.0]], list("aabb"), metrics="si")
    >>> found["si"].value, found["si"].per_class
    (1.0, {'a': 1.0, 'b': 1.0})
    """
    from netlab.errors import UsageError
    from netlab.separability.measuring import measure_arrays
    from netlab.separability.settings import MeasurementSettings

    bound = bound_metrics(metrics, options)
    sets = [] if reference is None else [("reference", *reference)]
    for metric in bound:
        if reference is None and "reference" in metric.tags:
            raise UsageError(f"metric '{metric.name}' measures these points against others: give reference=")
        if labels is None and not metric.tags & {"targets", "unlabelled"}:
            raise UsageError(f"metric '{metric.name}' needs labels")
        if "layers" in metric.tags:
            raise UsageError(f"metric '{metric.name}' compares layers; one set of features has none")
    reports = list(
        measure_arrays(
            "features",
            [*sets, ("all", features, labels)],
            bound,
            MeasurementSettings(standardize=standardize, sample_queries=sample_queries, seed=seed),
            targets=targets,
        )
    )
    return reports[-1].results


def si_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """Separation Index, in the manner of ``sklearn.metrics.silhouette_score``.

    The share of points whose nearest other point has their own label, in [0, 1]; Euclidean distance, decided
    as in float64. Where points of several labels are at exactly the least distance, a point counts with the
    share of its own label. Source: Kalhor et al., Evaluation of dataflow through layers of deep neural
    networks in classification and regression problems, 2023.

    Args:
        X: (n, d) array or tensor of any real type.
        y: n labels of any kind.
        standardize: scale every feature to mean 0 and deviation 1.

    Raises:
        UsageError: X or y is not such a thing, or they do not fit together.

    >>> netlab.si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
    1.0
    """
    from netlab.separability import scores

    return score_of(scores.si_score, X, y, standardize=standardize)


def csi_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """Centre-based Separation Index, in the manner of ``sklearn.metrics.silhouette_score``.

    The share of points whose nearest class mean is their own class's, in [0, 1]; where t class means, its own
    among them, are equally near, a point counts 1/t. Each point is part of its own class mean, which makes
    the value optimistic when features outnumber points. Arguments, errors and source as for ``si_score``.

    >>> netlab.csi_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
    1.0
    """
    from netlab.separability import scores

    return score_of(scores.csi_score, X, y, standardize=standardize)


def score_of(score: Callable[..., float], X: Any, y: Any, *, standardize: bool) -> float:
    """The score, or one line that says what is wrong with X or y."""
    from netlab.errors import UsageError

    try:
        return score(X, y, standardize=standardize)
    except (ValueError, TypeError) as error:
        raise UsageError(" ".join(str(error).split())) from error


def bound_metrics(metrics: Metrics, options: Mapping[str, Any]) -> list[BoundMetric]:
    """The metrics of a call, bound to their options."""
    from netlab.separability.bound_metric import bind_metrics

    return bind_metrics(choose_metrics(metrics, options), installed())
