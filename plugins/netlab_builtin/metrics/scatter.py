"""Within-class against between-class scatter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, Space

Float = NDArray[np.float64]
Int = NDArray[np.int32]


def fisher(space: Space, *, options: Any) -> MetricResult:
    """Fisher's criterion in its trace form: scatter between the classes over scatter within them.

    Formula: tr(S_B) / tr(S_W), S_B = Σ_k n_k (μ_k - μ)(μ_k - μ)ᵀ, S_W = Σ_i (x_i - μ_{y_i})(x_i - μ_{y_i})ᵀ.
    ``best_feature`` is the largest ratio of a single feature and ``f1`` = 1 / (1 + it), the
    complexity measure F1.
    Range: 0 to infinity (infinity where nothing varies within the classes).
    Ties: do not matter.
    Source: Fukunaga, 1990, section 10.2; F1: Lorena et al., 2019.
    """
    _require_classes(space, "fisher")
    between, within, exponents = _scatter_by_feature(space)
    ratios = np.divide(between, within, out=np.where(between > 0, np.inf, 0.0), where=within > 0)
    total = float(np.ldexp(within, exponents).sum())
    value = float(np.ldexp(between, exponents).sum()) / total if total else float("inf")
    notes = space.notes if total else (*space.notes, "nothing varies within the classes")
    best = float(ratios.max())
    extra = {"best_feature": best, "best_feature_index": int(ratios.argmax()), "f1": 1.0 / (1.0 + best)}
    return MetricResult(value, extra=extra, notes=notes)


def _scatter_by_feature(space: Space) -> tuple[Float, Float, Int]:
    """Scatter of each feature between and within the classes, in units of 2 ** exponent: three (d,).

    Each feature has a unit of its own: in a common one the squares of features that are much smaller than
    the largest would be 0.
    """
    kept = np.flatnonzero(space.counts)
    counts, means = space.counts[kept], space.class_means.values[kept]
    apart = means - counts @ means / space.n
    largest = np.abs(apart).max(axis=0)
    for block, rows in space.blocks():
        deviation = np.abs(rows - space.class_means.values[space.codes[block]])
        largest = np.maximum(largest, deviation.max(axis=0))
    exponents = np.frexp(largest)[1]
    between = counts @ np.square(np.ldexp(apart, -exponents))
    within = np.zeros(space.d)
    for block, rows in space.blocks():
        deviation = rows - space.class_means.values[space.codes[block]]
        within += np.square(np.ldexp(deviation, -exponents)).sum(axis=0)
    return between, within, 2 * exponents


def nc1(space: Space, *, options: Any) -> MetricResult:
    """NC1, the first measure of neural collapse: variability within the classes against between them.

    Formula: tr(Σ_W Σ_B†) / K, Σ_W = 1/n Σ_i (x_i - μ_{y_i})(x_i - μ_{y_i})ᵀ,
    Σ_B = 1/K Σ_k (μ_k - μ)(μ_k - μ)ᵀ with μ the mean of the class means, † the pseudo-inverse.
    Range: 0 (collapsed) to infinity, lower is better.
    Ties: do not matter.
    Source: Papyan, Han and Donoho, PNAS 117, 2020.
    """
    _require_classes(space, "nc1")
    kept = np.flatnonzero(space.counts)
    means = space.class_means.values[kept]
    directions, sizes, _ = np.linalg.svd((means - means.mean(axis=0)).T, full_matrices=False)
    # What rounding leaves of no direction: of the means before the mean is taken off, as they were summed.
    rounding = np.linalg.norm(means, axis=1).max() * max(space.d, space.n) * np.finfo(np.float64).eps
    used = sizes > rounding
    used[len(kept) - 1 :] = False  # K means differ in K - 1 directions at most
    if not used.any():
        raise ValueError("nc1 is not defined where all class means are equal")
    whiten = directions[:, used] / sizes[used]
    total = np.zeros(len(space.counts))
    for block, rows in space.blocks():
        codes = space.codes[block]
        deviation = np.square((rows - space.class_means.values[codes]) @ whiten).sum(axis=1)
        total += np.bincount(codes, weights=deviation, minlength=len(total))
    per_class = {space.class_names[k]: float(total[k] / space.counts[k]) for k in kept}
    return MetricResult(float(total.sum() / space.n), None, per_class, notes=space.notes)


def _require_classes(space: Space, name: str) -> None:
    if (space.counts > 0).sum() < 2:
        raise ValueError(f"{name} needs at least 2 classes")
