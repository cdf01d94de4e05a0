"""Indices of clusterings, with the classes as clusters; scikit-learn's definitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult, Space


def silhouette(space: Space, *, options: Any) -> MetricResult:
    """Silhouette coefficient: nearness to the point's class against nearness to the next one.

    Formula: 1/n Σ_i (b_i - a_i) / max(a_i, b_i), a_i the mean distance to the other points of its
    class, b_i the least mean distance to the points of another class; 0 for a point alone in its class.
    Range: -1 to 1.
    Ties: do not matter. Mean distances are within .002, most within 1e-5.
    Source: Rousseeuw, 1987; ``sklearn.metrics.silhouette_score``.
    """
    _require_classes(space, "silhouette")
    codes = space.codes[space.queries]
    distances = space.neighbours.mean_distances.copy()
    rows = np.arange(len(codes))
    own = distances[rows, codes]
    distances[rows, codes] = np.inf
    next_class = np.nanargmin(distances, axis=1)
    other = distances[rows, next_class]
    larger = np.fmax(own, other)
    values = np.divide(other - own, larger, out=np.zeros(len(codes)), where=larger > 0)
    values[np.isnan(own)] = 0.0
    effect = _silhouette_effect(space, values, own, other, next_class)
    return MetricResult.from_points(values, space, design_effect=effect, between=(-1, 1))


def _silhouette_effect(space: Space, values: Any, own: Any, other: Any, next_class: Any) -> float:
    """The variance of the influences of points on the silhouette, over that of their values.

    The influence of a point is its value, and what it does to those of the points whose mean distances it
    is part of (the infinitesimal jackknife: Efron, 1982).
    """
    m, codes, counts = len(values), space.codes[space.queries], space.counts
    looked_at = space.halves.points[: len(space.halves.distances_to_all)]
    place = np.searchsorted(space.queries, looked_at).clip(max=m - 1)
    known = space.queries[place] == looked_at
    place, distances = place[known], space.halves.distances_to_all[known][:, space.queries].astype(np.float64)
    variance = float(values.var())
    if len(place) < 2 or not variance:
        return 1.0
    larger = np.fmax(own, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_own = np.where(own < other, -1 / other, -other / np.square(own)) / (counts[codes] - 1)
        of_other = np.where(own < other, own / np.square(other), 1 / own) / counts[next_class]
    undefined = np.isnan(own) | ~(larger > 0) | ~np.isfinite(of_own) | ~np.isfinite(of_other)
    of_own[undefined] = of_other[undefined] = 0.0
    own = np.where(undefined, 0.0, own)
    rows, mine = np.arange(m), codes[place]
    influence = values[place] + space.n / m * of_own[place] * own[place]  # no part of its own distance
    for weight, mean, column in ((of_own, own, codes), (of_other, other, next_class)):
        weights = np.zeros((m, len(counts)))
        weights[rows, column] = weight
        change = distances @ weights - (np.where(undefined, 0.0, mean) @ weights)
        influence += space.n / m * change[np.arange(len(place)), mine]
    return float(influence.var()) / variance


def davies_bouldin(space: Space, *, options: Any) -> MetricResult:
    """Davies-Bouldin index: how wide the classes are against how far apart.

    Formula: 1/K Σ_i max_{j≠i} (s_i + s_j) / ‖μ_i - μ_j‖, s_k the mean distance of class k's points to
    its mean μ_k; 0 where all s are 0.
    Range: 0 to infinity, lower is better.
    Ties: do not matter.
    Source: Davies and Bouldin, 1979; ``sklearn.metrics.davies_bouldin_score``.
    """
    _require_classes(space, "davies-bouldin")
    kept = np.flatnonzero(space.counts)
    to_own = np.sqrt(space.class_means.squared_distances[np.arange(space.n), space.codes])
    width = np.bincount(space.codes, weights=to_own, minlength=len(space.counts))[kept] / space.counts[kept]
    means = space.class_means.values[kept]
    apart = np.array([np.sqrt(np.square(means - mean).sum(axis=1)) for mean in means])
    np.fill_diagonal(apart, np.inf)
    if not width.any() or not apart[np.isfinite(apart)].any():
        return MetricResult(0.0, notes=space.notes)
    apart[apart == 0] = np.inf  # as scikit-learn: equal means do not count
    worst = ((width[:, None] + width) / apart).max(axis=1)
    per_class = {space.class_names[k]: float(value) for k, value in zip(kept, worst, strict=True)}
    return MetricResult(float(worst.mean()), None, per_class, notes=space.notes)


def calinski_harabasz(space: Space, *, options: Any) -> MetricResult:
    """Caliński-Harabasz index: variance between over variance within the classes.

    Formula: (Σ_k n_k ‖μ_k - μ‖² / (K - 1)) / (Σ_i ‖x_i - μ_{y_i}‖² / (n - K)); 1 where nothing varies
    within the classes.
    Range: 0 to infinity.
    Ties: do not matter.
    Source: Caliński and Harabasz, 1974; ``sklearn.metrics.calinski_harabasz_score``.
    """
    _require_classes(space, "calinski-harabasz")
    kept = np.flatnonzero(space.counts)
    counts, means = space.counts[kept], space.class_means.values[kept]
    mean = counts @ means / space.n
    between = float(counts @ np.square(means - mean).sum(axis=1))
    within = float(space.class_means.squared_distances[np.arange(space.n), space.codes].sum())
    k = len(kept)
    value = 1.0 if within == 0 else between * (space.n - k) / (within * (k - 1))
    return MetricResult(value, notes=space.notes)


def _require_classes(space: Space, name: str) -> None:
    present = int((space.counts > 0).sum())
    if not 2 <= present < space.n:
        raise ValueError(f"{name} needs from 2 to n - 1 classes; there are {present} in {space.n} points")
