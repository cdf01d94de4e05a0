"""SI and CSI from arrays, and metrics of a network's layers, for use in other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netlab.errors import UsageError
from netlab.kinds.metric import MetricResult
from netlab.separability.bound_metric import BoundMetric, bind_metrics
from netlab.separability.layer_report import raise_failures, refuse_nothing, table_rows
from netlab.separability.layers import Preprocess
from netlab.separability.measuring import ImageSet, measure_layers, plan_measurement
from netlab.separability.settings import MeasurementSettings
from netlab.separability.space.feature_space import DEFAULT_MEMORY, FeatureSpace


def si(features: Any, labels: Any = None, **settings: Any) -> MetricResult:
    """Separation Index: the share of points whose nearest other point has their own label.

    SI = 1/n Σ_i [y_i = y_nn(i)], in [0, 1]; Euclidean distance, decided as in float64. Where points of
    several labels are at exactly the least distance, a point counts with the share of its own label.
    Source: Kalhor, Saffar, Kheirieh, Hoseinipoor and Araabi, Evaluation of dataflow through layers of
    deep neural networks in classification and regression problems, 2023.

    Args:
        features: (n, d) array or tensor of any real type, or a ``FeatureSpace`` (then no more).
        labels: n labels of any kind.
        settings: as for ``FeatureSpace``.
    """
    space = _space(features, labels, settings)
    effect = space.halves.design_effect(space.halves.own_neighbours(1)[..., 0])
    return MetricResult.from_points(space.neighbours.nearest.own, space, design_effect=effect, between=(0, 1))


def csi(features: Any, labels: Any = None, **settings: Any) -> MetricResult:
    """Centre-based SI: the share of points whose nearest class mean is their own class's.

    In [0, 1]; where t class means, its own among them, are equally near, a point counts 1/t. Each
    point is part of its own class mean, which makes the value optimistic when features outnumber
    points. Arguments and source as for ``si``.
    """
    space = _space(features, labels, settings)
    effect = space.halves.design_effect(space.halves.own_class_means(leave_one_out=False), usual=1.0)
    return MetricResult.from_points(
        space.class_means.nearest.own, space, design_effect=effect, between=(0, 1)
    )


def si_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """``si`` as one number, in the manner of ``sklearn.metrics.silhouette_score``.

    >>> netlab.si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
    1.0
    """
    return float(FeatureSpace(X, y, standardize=standardize).neighbours.nearest.own.mean())


def csi_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """``csi`` as one number, in the manner of ``sklearn.metrics.silhouette_score``."""
    return float(FeatureSpace(X, y, standardize=standardize).class_means.nearest.own.mean())


def _space(features: Any, labels: Any, settings: dict[str, Any]) -> FeatureSpace:
    if isinstance(features, FeatureSpace):
        if labels is not None or settings:
            raise TypeError("a FeatureSpace has its labels and settings already")
        return features
    if labels is None:
        raise TypeError("labels are missing")
    return FeatureSpace(features, labels, **settings)


def layer_separability(  # noqa: PLR0913 - what the command has as flags, by keyword; most lines describe them
    model: nn.Module,
    images: Any,
    labels: Any,
    *,
    metrics: Sequence[str | BoundMetric] | Mapping[str, Mapping[str, Any]] = ("si", "csi"),
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
    """The rows of ``netlab.layer_separability``, which says what the arguments are, as plain dictionaries.

    ``metrics`` may be bound already; ``memory`` is in bytes.

    Raises:
        UsageError: an unknown metric or layer, or a layer that does not fit the memory.
    """
    bound = bind_metrics(metrics)
    sets = [_image_set("train", images, labels)]
    if test_images is not None:
        sets.append(_image_set("test", test_images, test_labels))
    needs = [m.name for m in bound if "reference" in m.tags]
    if needs and len(sets) == 1:
        raise UsageError(f"metric '{needs[0]}' measures test points against these: give test_images")
    patterns = [layers] if isinstance(layers, str) else list(layers)
    plan = plan_measurement(
        model, sets, bound, preprocess=preprocess, layers=patterns, depth=depth, memory=memory
    )
    settings = MeasurementSettings(
        standardize=standardize,
        batch_size=batch_size,
        memory=memory,
        sample_queries=sample_queries,
        seed=seed,
    )
    reports = measure_layers(model, sets, bound, plan, settings, preprocess=preprocess)
    measured = list(reports)
    refuse_nothing(measured)
    raise_failures(measured)
    return table_rows(measured)


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
