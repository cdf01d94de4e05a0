"""The nearest-neighbour margin."""

from __future__ import annotations

from typing import Any

import numpy as np

from netlab.kinds.metric import MetricResult, Space

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def margin(space: Space, *, options: Any) -> MetricResult:
    """Margin: the distance to the nearest point of another class less that to the nearest of its own.

    Formula: m_i = min_{y_j≠y_i} ‖x_i - x_j‖ - min_{j≠i, y_j=y_i} ‖x_i - x_j‖; the value is the mean,
    ``quantiles`` those of m_i, ``relative`` the mean of m_i over the larger of the two distances.
    Range: any real number, in units of the features; positive where ``si`` counts 1. Relative: -1 to 1.
    Ties: a tie has margin 0. Points without another point of their class are left out.
    Source: twice the hypothesis margin of Crammer et al., Margin analysis of the LVQ algorithm, 2002.
    """
    own, other = (np.sqrt(d) for d in space.neighbours.nearest_distances)
    defined = np.isfinite(own) & np.isfinite(other)
    if not defined.any():
        raise ValueError("margin needs at least two classes, and a class of two points")
    values = np.full(len(own), np.nan)
    values[defined] = other[defined] - own[defined]
    larger = np.maximum(own[defined], other[defined])
    relative = np.divide(values[defined], larger, out=np.zeros(len(larger)), where=larger > 0)
    used = values[defined]

    def in_units(length: Any) -> Any:
        """A length, or lengths, in units of the features."""
        return np.ldexp(length, -space.exponent)

    with np.errstate(over="ignore"):
        if not np.isfinite(in_units(np.abs(used).max())):
            raise ValueError(
                "margin is in units of the features, and too large for a number: scale them down"
            )
    codes = space.codes[space.queries]
    per_class = {
        name: float(in_units(np.nanmean(values[codes == k])))
        for k, name in enumerate(space.class_names)
        if (defined & (codes == k)).any()
    }
    per_point = np.full(space.n, np.nan)
    per_point[space.queries] = in_units(values)
    left_out = int((~defined).sum())
    return MetricResult(
        float(in_units(used.mean())),
        float(in_units(used.std(ddof=1) / np.sqrt(len(used)))) if len(used) > 1 else None,
        per_class,
        per_point,
        {
            "quantiles": {str(q): float(in_units(np.quantile(used, q))) for q in QUANTILES},
            "relative": float(relative.mean()),
            "positive": float((used > 0).mean()),
        },
        ((f"{left_out} point(s) alone in their class left out",) if left_out else ()) + space.notes,
    )
