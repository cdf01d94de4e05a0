"""Metrics of every layer of a network, or of features that are given, on one or more sets of points."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from netlab.engine.blame import of_the_machine
from netlab.engine.metric_tags import stated_direction
from netlab.errors import NetlabError, PluginError, UsageError, first_line
from netlab.kinds.metric import MetricResult
from netlab.neighbours.tiles import class_minima
from netlab.separability.activations import Captured, capture, plan_passes
from netlab.separability.bound_metric import BoundMetric
from netlab.separability.layer_report import LayerReport
from netlab.separability.layers import Layer, Preprocess, select, trace
from netlab.separability.settings import MeasurementSettings
from netlab.separability.space.feature_space import DEFAULT_MEMORY, FeatureSpace
from netlab.separability.space.neighbours import ClassMinima

FIXED_MEMORY = 256 << 20  # bytes for tiles, one batch's activations and the libraries


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images (n, channels, height, width) and labels int64 (n,) of one split."""

    split: str
    images: Tensor
    labels: Any


def measure_space(
    space: FeatureSpace, metrics: Sequence[BoundMetric], name: str, split: str, *, layers: bool = True
) -> LayerReport:
    """Apply metrics to a space; one that is not defined on it, or fails, takes nothing from the others.

    ``layers`` says whether the space is of a layer among others.
    """
    report = LayerReport(name, split, space.n, space.d, kept=space.kept)
    for metric in metrics:
        start = time.perf_counter()
        try:
            if missing := what_is_missing(metric, space, layers=layers):
                raise UsageError(missing)
            result = metric.call(space)
        except (ValueError, UsageError) as error:
            reason = " ".join(str(error).split()).removeprefix(f"metric '{metric.name}': ")
            report.undefined[metric.name] = reason
            result = MetricResult(math.nan, notes=(reason,))
        except Exception as error:
            netlabs_own = isinstance(error, NetlabError) and not isinstance(error, PluginError)
            if netlabs_own or of_the_machine(error):
                raise  # the space itself could not be measured
            report.failed[metric.name] = error
            result = MetricResult(math.nan, notes=(first_line(error),))
        report.results[metric.name] = result
        if (direction := stated_direction(metric.tags)) is not None:
            report.better[metric.name] = direction
        report.seconds[metric.name] = time.perf_counter() - start
    return report


def what_is_missing(metric: BoundMetric, space: FeatureSpace, *, layers: bool) -> str:
    """What the metric's tags ask for and the space has not, or an empty text."""
    if not space.labelled and not metric.tags & {"targets", "unlabelled"}:
        return "it needs labels"
    if "reference" in metric.tags and space.reference is None:
        return "it needs --reference-features and --reference-labels"
    if "layers" in metric.tags and not layers:
        return "it compares layers; one set of features has none"
    return ""


@dataclass(frozen=True, slots=True)
class MeasurementPlan:
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


def plan_measurement(
    model: nn.Module,
    sets: Sequence[ImageSet],
    metrics: Sequence[BoundMetric],
    *,
    preprocess: Preprocess | None = None,
    layers: Sequence[str] = (),
    depth: int | None = None,
    head: str | None = None,
    memory: int = DEFAULT_MEMORY,
) -> MeasurementPlan:
    """Find the layers and cut them into passes.

    Raises:
        UsageError: a pattern matches no layer, or a layer does not fit the memory.
    """
    everything = trace(model, sets[0].images, preprocess)
    found = select(everything, layers=layers, depth=depth, head=head)
    counts = tuple(len(images.labels) for images in sets)
    kept = 1 + any("layers" in metric.tags for metric in metrics)
    passes = plan_passes(found, sum(counts), memory, fixed=FIXED_MEMORY, kept=kept)
    return MeasurementPlan(found, passes, counts, memory, [layer.name for layer in everything])


def measure_layers(
    model: nn.Module,
    sets: Sequence[ImageSet],
    metrics: Sequence[BoundMetric],
    plan: MeasurementPlan,
    settings: MeasurementSettings,
    *,
    preprocess: Preprocess | None = None,
    class_names: Sequence[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[LayerReport]:
    """Measure every layer of the plan on every set, layer by layer.

    The first set is the reference: its mean and deviation standardize the others, and cross metrics
    measure the others against it (and are left out on it).
    """
    before: dict[str, FeatureSpace] = {}
    for group in plan.passes:
        captured = [
            capture(
                model, images.images, group, preprocess=preprocess, batch_size=settings.batch_size,
                progress=None if progress is None else _titled(progress, f"forward, {images.split}"),
            )
            for images in sets
        ]  # fmt: skip
        held = sum(4 * plan.points * layer.features for layer in group)
        for layer in group:
            here: dict[str, FeatureSpace] = {}
            reference: FeatureSpace | None = None
            if any(layer.name in outputs.incomplete for outputs in captured):
                yield from _not_measured(layer, sets, captured, metrics)
                before = {}
                for outputs in captured:
                    outputs.features.pop(layer.name, None)
                continue
            for images, outputs in zip(sets, captured, strict=True):
                chosen = [m for m in metrics if reference is not None or "reference" not in m.tags]
                title = f"{layer.name}, {images.split}"
                space = _space(
                    outputs.features[layer.name], images.labels, title, settings, progress,
                    reference=reference, previous=before.get(images.split), class_names=class_names,
                    memory=max(plan.memory - held, FIXED_MEMORY),
                )  # fmt: skip
                yield measure_space(space, chosen, layer.name, images.split)
                here[images.split] = space
                reference = reference or space
            for outputs in captured:
                outputs.features.pop(layer.name, None)
            before = here if any("layers" in metric.tags for metric in metrics) else {}


def _not_measured(
    layer: Layer, sets: Sequence[ImageSet], captured: Sequence[Captured], metrics: Sequence[BoundMetric]
) -> Iterator[LayerReport]:
    """No values, and why: a layer without an output for every image has no points to compare."""
    counts = [
        out.incomplete.get(layer.name, len(images.labels)) for images, out in zip(sets, captured, strict=True)
    ]
    shares = ", ".join(
        f"{count:,} of {len(images.labels):,} {images.split} images"
        for images, count in zip(sets, counts, strict=True)
    )
    note = f"not measured: layer '{layer.name}' gave an output for {shares} only"
    for position, (images, count) in enumerate(zip(sets, counts, strict=True)):
        chosen = [m.name for m in metrics if position or "reference" not in m.tags]
        results = {name: MetricResult(math.nan, notes=(note,)) for name in chosen}
        yield LayerReport(
            layer.name, images.split, count, layer.features, results, dict.fromkeys(chosen, 0.0),
            undefined=dict.fromkeys(chosen, note),
        )  # fmt: skip


def _space(
    features: Any,
    labels: Any,
    title: str,
    settings: MeasurementSettings,
    progress: Callable[[str, int, int], None] | None,
    *,
    reference: FeatureSpace | None,
    **more: Any,
) -> FeatureSpace:
    """The space of one set of points, standardized as its reference is where there is one."""
    try:
        return FeatureSpace(
            features, labels, reference=reference,
            standardize=settings.standardize if reference is None else None,
            sample_queries=settings.sample_queries, seed=settings.seed, nan=settings.nan,
            progress=None if progress is None else _titled(progress, title), **more,
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(f"{title}: {error}" if title else str(error)) from error


def _titled(progress: Callable[[str, int, int], None], title: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(title, done, total)


def measure_arrays(
    name: str,
    sets: Sequence[tuple[str, Any, Any]],
    metrics: Sequence[BoundMetric],
    settings: MeasurementSettings,
    *,
    targets: Any = None,
    class_names: Sequence[str] | None = None,
    minima: ClassMinima = class_minima,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[LayerReport]:
    """Measure features that are given: (split, features, labels) of one layer.

    The first set is the reference of the others, as in ``measure_layers``; ``targets`` belong to the last.
    """
    reference: FeatureSpace | None = None
    for position, (split, features, labels) in enumerate(sets):
        title = "" if split == "all" else f"{name}, {split}"
        space = _space(
            features, labels, title, settings, progress, reference=reference,
            targets=targets if position == len(sets) - 1 else None,
            class_names=class_names, memory=settings.memory, minima=minima,
        )  # fmt: skip
        alone = len(sets) == 1  # then a cross metric says that there is nothing to measure against
        chosen = [m for m in metrics if alone or reference is not None or "reference" not in m.tags]
        yield measure_space(space, chosen, name, split, layers=False)
        reference = reference or space
