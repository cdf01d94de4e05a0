"""The Smoothness Index, for regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, Space

Float = NDArray[np.float64]


def smoothness_index(space: Space, *, options: Any) -> MetricResult:
    """Smoothness Index: how near the target of the nearest point is, among all targets.

    Formula: linear 1/n Σ_i (max_i - δ_i) / (max_i - min_i),
    exponential 1/n Σ_i exp(-γ (δ_i - min_i) / mean_i),
    with δ_i = ‖t_i - t_nn(i)‖ and min_i, mean_i, max_i the least (without i itself), mean and greatest
    distance of t_i to the targets. The form that was not chosen is in ``extra``.
    Range: 0 to 1; 1 where all targets are equal.
    Ties: the mean over the tied nearest points.
    Source: Kalhor et al., 2023, and the authors' published implementation.
    """
    if space.targets is None:
        raise ValueError("smi measures regression targets: give --targets (targets=)")
    targets = space.targets
    linear, exponential = np.empty(len(space.queries)), np.empty(len(space.queries))
    indices, tied = _tied_nearest(space)
    step = max(1, (1 << 22) // space.n)
    for start in range(0, len(space.queries), step):
        part = slice(start, min(start + step, len(space.queries)))
        rows = space.queries[part]
        distances = np.sqrt(np.square(targets[rows, None, :] - targets[None]).sum(axis=2))
        mean, greatest = distances.mean(axis=1), distances.max(axis=1)
        to_nearest = np.take_along_axis(distances, indices[part], axis=1)
        distances[np.arange(len(rows)), rows] = np.inf
        least = distances.min(axis=1)
        weight = tied[part] / tied[part].sum(axis=1, keepdims=True)
        span = greatest - least
        score = np.divide(
            greatest[:, None] - to_nearest, span[:, None],
            out=np.ones_like(to_nearest), where=span[:, None] > 0,
        )  # fmt: skip
        linear[part] = (weight * score).sum(axis=1)
        excess = np.divide(
            to_nearest - least[:, None], mean[:, None], out=np.zeros_like(to_nearest), where=mean[:, None] > 0
        )
        exponential[part] = (weight * np.exp(-options.gamma * excess)).sum(axis=1)
    chosen, other = (linear, exponential) if options.form == "linear" else (exponential, linear)
    extra = {"exponential" if options.form == "linear" else "linear": float(other.mean())}
    per_point = np.full(space.n, np.nan)
    per_point[space.queries] = chosen
    error = float(chosen.std(ddof=1) / np.sqrt(len(chosen))) if len(chosen) > 1 else None
    if error is not None and len(chosen) < space.n:
        error *= float(np.sqrt(1 - len(chosen) / space.n))
    return MetricResult(float(chosen.mean()), error, {}, per_point, extra, space.notes)


def _tied_nearest(space: Space) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Indices (m, t) of the nearest points, and which of them are at the least distance."""
    most = int(space.neighbours.in_order(1).tied.max())
    found = space.neighbours.in_order(min(most, space.n - 1))
    return found.indices, found.squared_distances == found.squared_distances[:, :1]
