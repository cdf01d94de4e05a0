"""The centre-based Separation Index."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, Space
from netlab_builtin.metrics.si import singleton_notes

Float = NDArray[np.float64]
Int = NDArray[np.int64]
_MEANS_BYTES = 64 << 20  # of the class means of permuted labels that are in memory at once


def centre_separation_index(space: Space, *, options: Any) -> MetricResult:
    """Centre-based Separation Index: the share of points whose nearest class mean is their own class's.

    Formula: CSI = 1/n Σ_i [y_i = argmin_k ‖x_i - μ_k‖], μ_k the mean of class k, x_i included.
    ``chance`` is its mean over ``permutations`` of the labels (0 by default: not computed),
    ``chance_adjusted`` = (CSI - chance) / (1 - chance), each with its standard error.
    Range: 0 to 1. Every point pulls its own class mean, so the value is optimistic: on random labels it
    is near 1 when features outnumber points.
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
    return _measured(space, space.class_means.nearest.own, options, notes, leave_one_out=False)


def centre_separation_index_loo(space: Space, *, options: Any) -> MetricResult:
    """CSI in which each point's own contribution is taken out of its class mean.

    Formula: as ``csi`` with ‖x_i - μ_k‖ multiplied by n_k / (n_k - 1) for the point's class k, which is the
    distance to the mean of the others; ``chance`` and ``chance_adjusted`` as there.
    Range: 0 to 1. On random labels of K equal classes about 1/K if points are many and features few, and
    less otherwise: a point's own class has one point less to average, so that its mean is the noisier one
    (.016 for 100 points of 10 classes in 4,096 features). Where classes differ in size the largest has the
    steadiest mean, and takes most points (.50 if half of them are its own). ``permutations`` measures what
    chance is. A point alone in its class counts 0.
    Ties: as ``csi``.
    Source: ``csi`` with leave-one-out means.
    """
    own, notes = space.class_means.nearest_leave_one_out.own, singleton_notes(space)
    return _measured(space, own, options, notes, leave_one_out=True)


def _measured(
    space: Space, own: Float, options: Any, notes: tuple[str, ...], *, leave_one_out: bool
) -> MetricResult:
    halves = space.halves
    effect = halves.design_effect(halves.own_class_means(leave_one_out=leave_one_out), usual=1.0)
    found = MetricResult.from_points(own, space, design_effect=effect, between=(0, 1), notes=notes)
    if not options.permutations:
        return found
    chance = _chance(space, found, options.permutations, leave_one_out=leave_one_out)
    return replace(found, extra={**found.extra, **chance})


def _chance(space: Space, found: MetricResult, permutations: int, *, leave_one_out: bool) -> dict[str, Any]:
    """What the labels in random order give, and the value with that put at 0.

    ``chance_error`` is the standard error of the mean over permutations, and that of ``chance_adjusted``
    holds both errors; ``chance_p`` is the share of orders, the given one included, that do as well.
    """
    values = _permuted(space, permutations, leave_one_out=leave_one_out)
    chance = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(permutations)) if permutations > 1 else float("nan")
    extra = {
        "chance": chance,
        "chance_error": error,
        "chance_p": float((1 + (values >= found.value).sum()) / (permutations + 1)),
    }
    if chance < 1 and found.standard_error is not None:
        of_chance = (1 - found.value) / (1 - chance) ** 2 * error
        extra["chance_adjusted"] = (found.value - chance) / (1 - chance)
        extra["chance_adjusted_error"] = float(np.hypot(found.standard_error / (1 - chance), of_chance))
    return extra


def _permuted(space: Space, permutations: int, *, leave_one_out: bool) -> Float:
    """The index of all points with their labels in random orders, float64 (permutations,)."""
    rng = np.random.default_rng(0)
    classes = len(space.class_names)
    together = max(1, _MEANS_BYTES // (8 * classes * space.d))
    values: list[float] = []
    while len(values) < permutations:
        orders = [rng.permutation(space.codes) for _ in range(min(together, permutations - len(values)))]
        values += _index_of(space, np.stack(orders, axis=1), leave_one_out).tolist()
    return np.array(values)


def _index_of(space: Space, codes: Int, leave_one_out: bool) -> Float:
    """The index of all points with other labels: codes (n, orders) with the same counts; (orders,)."""
    counts, orders = space.counts.astype(np.float64), codes.shape[1]
    centre = counts @ np.nan_to_num(space.class_means.values) / space.n
    means = np.zeros((orders * len(counts), space.d))
    columns = codes + len(counts) * np.arange(orders)
    for block, rows in space.blocks():
        member = np.zeros((len(rows), len(means)))
        np.put_along_axis(member, columns[block], 1.0, axis=1)
        means += member.T @ (rows - centre)
    means /= np.maximum(np.tile(counts, orders), 1.0)[:, None]
    squares = np.square(means).sum(axis=1)
    squares[np.tile(counts == 0, orders)] = np.inf
    with np.errstate(divide="ignore"):
        growth = np.square(counts / (counts - 1)) if leave_one_out else np.ones(len(counts))
    right = np.zeros(orders)
    for block, rows in space.blocks():
        shifted = rows - centre
        distances = np.square(shifted).sum(axis=1)[:, None] + squares - 2 * shifted @ means.T
        own = np.take_along_axis(distances, columns[block], axis=1).clip(min=0.0)
        np.put_along_axis(distances, columns[block], np.inf, axis=1)
        others = distances.reshape(len(rows), orders, len(counts)).min(axis=2)
        with np.errstate(invalid="ignore"):  # a point alone in its class, at its mean
            right += (own * growth[codes[block]] < others).sum(axis=0)
    return right / space.n
