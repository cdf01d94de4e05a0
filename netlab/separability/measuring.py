"""The walk: metrics of every layer of a network, on one or more sets of images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.errors import UsageError
from netlab.kinds.metric import MetricResult
from netlab.separability.activations import Layer, Preprocess, capture, plan_passes, select, trace
from netlab.separability.feature_space import DEFAULT_MEMORY, FeatureSpace

if TYPE_CHECKING:
    from netlab.engine.catalog import Component

FIXED_MEMORY = 256 << 20  # bytes for tiles, one batch's activations and the libraries
COLUMNS = ("layer", "split", "metric", "value", "standard_error", "points", "features", "seconds")


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric bound to its options."""

    name: str
    call: Callable[[FeatureSpace], MetricResult]
    tags: frozenset[str] = frozenset()

    @classmethod
    def of_component(cls, component: Component, options: Any) -> Measure:
        return cls(component.name, lambda space: component.build(space, options=options), component.spec.tags)


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images (n, channels, height, width) and labels int64 (n,) of one split."""

    split: str
    images: Tensor
    labels: Any


@dataclass(frozen=True, slots=True)
class LayerReport:
    """The metrics of one layer on one split.

    ``seconds`` are by metric; what metrics share is counted at the first that asks for it. ``kept`` are
    the points measured, by their place among those given; None: all.
    """

    name: str
    split: str
    points: int
    features: int
    results: dict[str, MetricResult] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    kept: NDArray[np.int64] | None = None


def measure_space(
    space: FeatureSpace, measures: Sequence[Measure], name: str, split: str, *, strict: bool = True
) -> LayerReport:
    """Apply metrics to a space.

    A metric that is not defined on it raises UsageError; with ``strict`` off it gives NaN and the
    reason as a note.
    """
    report = LayerReport(name, split, space.n, space.d, kept=space.kept)
    for measure in measures:
        start = time.perf_counter()
        try:
            if not space.labelled and not measure.tags & {"targets", "unlabelled"}:
                raise UsageError(f"metric '{measure.name}' needs labels")
            result = measure.call(space)
        except (ValueError, UsageError) as error:
            if strict:
                message = " ".join(str(error).split())
                if not message.startswith("metric "):
                    message = f"metric '{measure.name}': {message}"
                raise UsageError(message) from error
            result = MetricResult(math.nan, notes=(" ".join(str(error).split()),))
        report.results[measure.name] = result
        report.seconds[measure.name] = time.perf_counter() - start
    return report


@dataclass(frozen=True, slots=True)
class Walk:
    """What will be measured: the layers, in the order of execution, in passes that fit the memory."""

    layers: list[Layer]
    passes: list[list[Layer]]
    counts: tuple[int, ...]  # points of each set
    memory: int
    order: list[str]  # the names of all layers of the model, measured or not

    @property
    def points(self) -> int:
        return sum(self.counts)

    def operations(self, layer: Layer) -> float:
        """Floating point operations of the neighbour search: every pair of points once."""
        return float(sum(count * count for count in self.counts)) * layer.features


def plan_walk(
    model: nn.Module,
    sets: Sequence[ImageSet],
    measures: Sequence[Measure],
    *,
    preprocess: Preprocess | None = None,
    layers: Sequence[str] = (),
    depth: int | None = None,
    head: str | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Walk:
    """Find the layers and cut them into passes.

    Raises:
        UsageError: a pattern matches no layer, or a layer does not fit the memory.
    """
    everything = trace(model, sets[0].images, preprocess)
    found = select(everything, layers=layers, depth=depth, head=head)
    counts = tuple(len(images.labels) for images in sets)
    kept = 1 + any("layers" in measure.tags for measure in measures)
    passes = plan_passes(found, sum(counts), memory, fixed=FIXED_MEMORY, kept=kept)
    return Walk(found, passes, counts, memory, [layer.name for layer in everything])


def walk(
    model: nn.Module,
    sets: Sequence[ImageSet],
    measures: Sequence[Measure],
    plan: Walk,
    *,
    standardize: bool = True,
    preprocess: Preprocess | None = None,
    batch_size: int = 256,
    class_names: Sequence[str] | None = None,
    sample_queries: int | None = None,
    seed: int = 0,
    nan: Any = "raise",
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[LayerReport]:
    """Measure every layer of the plan on every set, layer by layer.

    The first set is the reference: its mean and deviation standardize the others, and cross metrics
    measure the others against it (and are left out on it).
    """
    before: dict[str, FeatureSpace] = {}
    first = True
    for group in plan.passes:
        outputs = []
        for images in sets:
            outputs.append(
                capture(
                    model, images.images, group, preprocess=preprocess, batch_size=batch_size,
                    progress=None if progress is None else _titled(progress, f"forward, {images.split}"),
                )
            )  # fmt: skip
        held = sum(4 * plan.points * layer.features for layer in group)
        for layer in group:
            here: dict[str, FeatureSpace] = {}
            reference: FeatureSpace | None = None
            for images, output in zip(sets, outputs, strict=True):
                title = f"{layer.name}, {images.split}"
                space = _space(
                    output[layer.name], images.labels, title,
                    reference=reference,
                    previous=before.get(images.split),
                    standardize=standardize if reference is None else None,
                    memory=max(plan.memory - held, FIXED_MEMORY),
                    class_names=class_names, sample_queries=sample_queries, seed=seed, nan=nan,
                    progress=None if progress is None else _titled(progress, title),
                )  # fmt: skip
                chosen = [m for m in measures if reference is not None or "reference" not in m.tags]
                yield measure_space(space, chosen, layer.name, images.split, strict=first)
                here[images.split] = space
                reference = reference or space
            first = False
            for output in outputs:
                del output[layer.name]
            before = here if any("layers" in measure.tags for measure in measures) else {}


def _space(features: Tensor, labels: Any, title: str, **settings: Any) -> FeatureSpace:
    try:
        return FeatureSpace(features, labels, **settings)
    except ValueError as error:
        raise UsageError(f"{title}: {error}" if title else str(error)) from error


def _titled(progress: Callable[[str, int, int], None], title: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(title, done, total)


def table_rows(reports: Sequence[LayerReport]) -> list[dict[str, Any]]:
    """One row a layer, split and metric, with ``COLUMNS``; missing numbers are None."""
    return [
        {
            "layer": report.name,
            "split": report.split,
            "metric": metric,
            "value": finite(result.value),
            "standard_error": finite(result.standard_error),
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


def layer_separability(
    model: nn.Module,
    images: Any,
    labels: Any,
    *,
    metrics: Sequence[str | Measure] | Mapping[str, Mapping[str, Any]] = ("si", "csi"),
    layers: str | Sequence[str] = (),
    depth: int | None = None,
    test_images: Any = None,
    test_labels: Any = None,
    standardize: bool = True,
    preprocess: Preprocess | None = None,
    batch_size: int = 256,
    memory: int = DEFAULT_MEMORY,
    sample_queries: int | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measure how well every layer of a network separates the classes.

    Args:
        model: any module; it is run in evaluation mode without gradients and left as it was.
        images: tensor or array (n, ...) whose rows the model takes; integers are divided by 255,
            unless ``preprocess`` says otherwise.
        labels: n labels of any kind.
        metrics: names of installed metrics, or ``{name: {option: value}}``.
        layers: names or wildcards such as ``"layer*.0"``; default all at ``depth`` (1: the model's
            own children).
        test_images, test_labels: a second set, standardized with the first one's mean and deviation;
            needed by cross metrics.
        memory: bytes to keep to; as many layers a pass as fit.

    Returns:
        One dictionary a layer, split and metric, in the order of execution, with the keys layer,
        split, metric, value, standard_error, points, features and seconds; ``pandas.DataFrame`` takes
        the list as it is.

    >>> rows = layer_separability(model, images, labels)                     # doctest: +SKIP
    >>> pandas.DataFrame(rows).pivot(index="layer", columns="metric", values="value")  # doctest: +SKIP

    Raises:
        UsageError: an unknown metric or layer, or a layer that does not fit the memory.
    """
    measures = resolve_measures(metrics)
    sets = [_image_set("train", images, labels)]
    if test_images is not None:
        sets.append(_image_set("test", test_images, test_labels))
    needs = [m.name for m in measures if "reference" in m.tags]
    if needs and len(sets) == 1:
        raise UsageError(f"metric '{needs[0]}' measures test points against these: give test_images")
    patterns = [layers] if isinstance(layers, str) else list(layers)
    plan = plan_walk(
        model, sets, measures, preprocess=preprocess, layers=patterns, depth=depth, memory=memory
    )
    reports = walk(
        model, sets, measures, plan, standardize=standardize, preprocess=preprocess,
        batch_size=batch_size, sample_queries=sample_queries, seed=seed,
    )  # fmt: skip
    return table_rows(list(reports))


def resolve_measures(
    metrics: Sequence[str | Measure] | Mapping[str, Mapping[str, Any]],
) -> list[Measure]:
    """Metrics by name from the installed plugins, with options where given."""
    from netlab.engine.catalog import Catalog
    from netlab.engine.manager import PluginManager

    catalog = None
    measures = []
    for metric in metrics:
        if isinstance(metric, Measure):
            measures.append(metric)
            continue
        catalog = catalog or Catalog(PluginManager.from_environment())
        component = catalog.find("metric", metric)
        given = metrics[metric] if isinstance(metrics, Mapping) else {}
        measures.append(Measure.of_component(component, component.make_options(given)))
    return measures


def _image_set(split: str, images: Any, labels: Any) -> ImageSet:
    tensor = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    if labels is None:
        raise UsageError(f"the {split} images have no labels")
    count = len(labels)
    if len(tensor) != count:
        raise UsageError(f"there are {len(tensor)} {split} images but {count} labels")
    if count < 2:
        raise UsageError(f"{count} {split} image(s) given; separability needs at least 2")
    return ImageSet(split, tensor, labels)


def measure_arrays(
    name: str,
    sets: Sequence[tuple[str, Any, Any]],
    measures: Sequence[Measure],
    *,
    standardize: bool,
    targets: Any = None,
    progress: Callable[[str, int, int], None] | None = None,
    **settings: Any,
) -> Iterator[LayerReport]:
    """The walk for features that are given: (split, features, labels) of one layer.

    The first set is the reference of the others, as in ``walk``; ``targets`` belong to the last.
    """
    reference: FeatureSpace | None = None
    for position, (split, features, labels) in enumerate(sets):
        title = "" if split == "all" else f"{name}, {split}"
        space = _space(
            features, labels, title, reference=reference,
            targets=targets if position == len(sets) - 1 else None,
            standardize=standardize if reference is None else None,
            progress=None if progress is None else _titled(progress, title), **settings,
        )  # fmt: skip
        chosen = [m for m in measures if reference is not None or "reference" not in m.tags]
        yield measure_space(space, chosen, name, split)
        reference = reference or space
