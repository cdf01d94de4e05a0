"""Separation of points against other, usually training, points."""

from __future__ import annotations

from typing import Any

from netlab.kinds.metric import MetricResult, Space
from netlab_builtin.metrics.si import by_ties


def cross_si(space: Space, *, options: Any) -> MetricResult:
    """Cross SI: the share of points whose nearest reference point has their label.

    Formula: 1/m Σ_i [y_i = y_nn(i)], nn(i) the nearest of the reference points.
    Range: 0 to 1: the accuracy of a nearest-neighbour classifier fitted on the reference points.
    Ties: as ``si``. A label that no reference point has counts 0.
    Source: Kalhor et al., 2023.
    """
    values = by_ties(space.neighbours.nearest_reference, space.codes[space.queries], options.ties)
    return MetricResult.from_points(values, space, between=(0, 1), notes=_notes(space))


def cross_csi(space: Space, *, options: Any) -> MetricResult:
    """Cross CSI: the share of points whose nearest class mean of the reference points is their own class's.

    Formula: 1/m Σ_i [y_i = argmin_k ‖x_i - μ_k‖], μ_k the mean of class k of the reference points.
    Range: 0 to 1: the accuracy of a nearest-centroid classifier fitted on the reference points.
    Ties: as ``csi``. A label that no reference point has counts 0.
    Source: Kalhor et al., 2023.
    """
    return MetricResult.from_points(
        space.class_means.nearest_reference.own, space, between=(0, 1), notes=_notes(space)
    )


def _notes(space: Space) -> tuple[str, ...]:
    missing = [
        name
        for name, here, there in zip(space.class_names, space.counts, space.reference_counts, strict=True)
        if here and not there
    ]
    return (f"no reference point has the label {', '.join(missing[:5])}",) if missing else ()
