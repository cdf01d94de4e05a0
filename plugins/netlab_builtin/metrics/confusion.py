"""Which other class is nearest where a point is not nearest to its own."""

from __future__ import annotations

from typing import Any

from netlab.kinds.metric import MetricResult, Space


def confusion(space: Space, *, options: Any) -> MetricResult:
    """Confusion: the share of points whose nearest other point has another label, and which label.

    Formula: 1 - SI; ``matrix[a][b]`` is the share of class a's points whose nearest point is of class b.
    Range: 0 to 1, lower is better; rows of the matrix sum to 1.
    Ties: shared among the tied points.
    Source: the confusion matrix of the SI decision.
    """
    nearest = space.neighbours.nearest
    counts = nearest.confusion
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / totals.clip(min=1)
    instead = {}
    for k, name in enumerate(space.class_names):
        others = [(float(shares[k, j]), space.class_names[j]) for j in range(len(counts)) if j != k]
        instead[name] = {other: share for share, other in sorted(others, reverse=True)[:3] if share > 0}
    extra = {"classes": list(space.class_names), "matrix": shares.tolist(), "nearest_instead": instead}
    effect = space.halves.design_effect(space.halves.own_neighbours(1)[..., 0])
    return MetricResult.from_points(
        1.0 - nearest.own, space, design_effect=effect, between=(0, 1), extra=extra
    )
