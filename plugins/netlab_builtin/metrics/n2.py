"""The complexity measure N2."""

from __future__ import annotations

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult, Space


def n2(space: Space, *, options: Any) -> MetricResult:
    """N2: distances to the nearest point of the same class over those to other classes.

    Formula: r / (1 + r), r = Σ_i min_{j≠i, y_j=y_i} ‖x_i - x_j‖ / Σ_i min_{y_j≠y_i} ‖x_i - x_j‖.
    ``ratio`` is r, the measure as first defined by Ho and Basu, 2002.
    Range: 0 to 1, lower is better; .5 where both are equally far.
    Ties: do not matter. Points without another point of their class are left out of both sums.
    Source: Lorena et al., How complex is your classification problem?, ACM Computing Surveys 52, 2019.
    """
    own, other = (np.sqrt(d) for d in space.neighbours.nearest_distances)
    defined = np.isfinite(own) & np.isfinite(other)
    if not defined.any():
        raise ValueError("n2 needs at least two classes, and a class of two points")
    codes = space.codes[space.queries]
    inside, outside = float(own[defined].sum()), float(other[defined].sum())
    per_class = {
        name: _bounded(float(own[chosen].sum()), float(other[chosen].sum()))
        for k, name in enumerate(space.class_names)
        if (chosen := defined & (codes == k)).any()
    }
    left_out = int((~defined).sum())
    notes = ((f"{left_out} point(s) alone in their class left out",) if left_out else ()) + space.notes
    ratio = inside / outside if outside else None
    return MetricResult(_bounded(inside, outside), None, per_class, None, {"ratio": ratio}, notes)


def _bounded(inside: float, outside: float) -> float:
    return inside / (inside + outside) if inside + outside else 0.5
