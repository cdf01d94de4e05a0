"""SI and CSI from arrays, for use in other programs."""

from __future__ import annotations

from typing import Any

from netlab.kinds.metric import MetricResult
from netlab.separability.feature_space import FeatureSpace


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
    return MetricResult.from_points(space.nearest.own, space)


def csi(features: Any, labels: Any = None, **settings: Any) -> MetricResult:
    """Centre-based SI: the share of points whose nearest class mean is their own class's.

    In [0, 1]; where t class means, the own among them, are equally near, a point counts 1/t. Each
    point is part of its own class mean, which makes the value optimistic when features outnumber
    points. Arguments and source as for ``si``.
    """
    space = _space(features, labels, settings)
    return MetricResult.from_points(space.nearest_centres.own, space)


def si_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """``si`` as one number, in the manner of ``sklearn.metrics.silhouette_score``.

    >>> si_score([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"])
    1.0
    """
    return si(X, y, standardize=standardize).value


def csi_score(X: Any, y: Any, *, standardize: bool = False) -> float:
    """``csi`` as one number, in the manner of ``sklearn.metrics.silhouette_score``."""
    return csi(X, y, standardize=standardize).value


def _space(features: Any, labels: Any, settings: dict[str, Any]) -> FeatureSpace:
    if isinstance(features, FeatureSpace):
        if labels is not None or settings:
            raise TypeError("a FeatureSpace has its labels and settings already")
        return features
    if labels is None:
        raise TypeError("labels are missing")
    return FeatureSpace(features, labels, **settings)
