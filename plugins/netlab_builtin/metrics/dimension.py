"""Intrinsic dimension from two nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult, Space


def intrinsic_dimension(space: Space, *, options: Any) -> MetricResult:
    """Intrinsic dimension by TwoNN, from the ratio of the distances to the two nearest points.

    Formula: with μ_i = r_2 / r_1 sorted and F = i / N, the slope through the origin of -log(1 - F)
    against log μ, the ``discard`` largest ratios left out. ``mle`` is (N - 1) / Σ log μ.
    Range: 0 to infinity; at most d in the limit of many points.
    Ties: r_1 = r_2 gives ratio 1. Points with a duplicate (r_1 = 0) are left out.
    Source: Facco, d'Errico, Rodriguez and Laio, Scientific Reports 7, 2017.
    """
    if space.n < 3:
        raise ValueError(f"intrinsic-dimension needs at least 3 points; there are {space.n}")
    distances = np.sqrt(space.neighbours.in_order(2).squared_distances)
    distinct = distances[:, 0] > 0
    logs = np.sort(np.log(distances[distinct, 1] / distances[distinct, 0]))
    left_out = int((~distinct).sum())
    notes = ((f"{left_out} point(s) with a duplicate left out",) if left_out else ()) + space.notes
    count = len(logs)
    kept = max(2, int((1 - options.discard) * count))
    if count < 2 or not logs[: min(kept, count)].any():
        return MetricResult(float("nan"), notes=("too few points at different distances", *notes))
    share = np.arange(1, count + 1) / count
    x, y = logs[: min(kept, count - 1)], -np.log1p(-share[: min(kept, count - 1)])
    mle = (count - 1) / float(logs.sum())
    extra = {"mle": mle, "mle_standard_error": mle / float(np.sqrt(count))}
    square = float(x @ x)
    value = float(x @ y) / square if square else mle
    return MetricResult(value, extra=extra, notes=notes)
