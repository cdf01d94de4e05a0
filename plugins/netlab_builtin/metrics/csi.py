"""The centre-based Separation Index."""

from __future__ import annotations

from typing import Any

from netlab.kinds.metric import MetricResult, Space

from .si import singleton_notes


def centre_separation_index(space: Space, *, options: Any) -> MetricResult:
    """Centre-based Separation Index: the share of points whose nearest class mean is their own class's.

    Formula: CSI = 1/n Σ_i [y_i = argmin_k ‖x_i - μ_k‖], μ_k the mean of class k, x_i included.
    Range: 0 to 1. Every point pulls its own class mean, so the value is optimistic: on random labels it
    is near 1 when features outnumber points, where ``csi-loo`` gives chance.
    Ties: a point counts 1/t where its own class mean is one of t nearest (equal to float64's rounding).
    Source: Kalhor et al., Evaluation of dataflow through layers of deep neural networks in
    classification and regression problems, 2023.
    """
    notes: tuple[str, ...] = ()
    if space.d > space.n / len(space.class_names):
        notes = (
            "more features than points in a class: csi is optimistic (near 1 on random labels when features "
            "outnumber points); csi-loo is not",
        )
    return MetricResult.from_points(space.class_means.nearest.own, space, notes=notes)


def centre_separation_index_loo(space: Space, *, options: Any) -> MetricResult:
    """CSI in which each point's own contribution is taken out of its class mean.

    Formula: as ``csi`` with ‖x_i - μ_k‖ multiplied by n_k / (n_k - 1) for the point's class k, which is the
    distance to the mean of the others.
    Range: 0 to 1; about 1/K on random labels of K equal classes. A point alone in its class counts 0.
    Ties: as ``csi``.
    Source: ``csi`` with leave-one-out means.
    """
    return MetricResult.from_points(
        space.class_means.nearest_leave_one_out.own, space, notes=singleton_notes(space)
    )
