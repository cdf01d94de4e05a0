"""Separation Indices of several neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, NeighboursInOrder, Space


def high_order_si(space: Space, *, options: Any) -> MetricResult:
    """High-order Separation Index: the share of points whose ``order`` nearest points all have their label.

    Formula: SI_r = 1/n Σ_i Π_{j=1..r} [y_i = y_nn_j(i)], nn_j(i) the j-th nearest other point.
    Range: 0 to 1, not increasing with the order; order 1 is ``si``.
    Ties: where more points tie for the last places than there are places, the mean over all choices
    (hypergeometric); ``lowest-index`` takes the first in the data.
    Source: Kalhor et al., 2023.
    """
    found = space.neighbours.in_order(options.order)
    if options.ties == "lowest-index":
        values = _same(space, found).all(axis=1).astype(np.float64)
    else:
        values = (found.closer == found.closer_own) * _all_drawn(found.tied_own, found.tied, found, options)
    return _mean(values, space, options, lambda own: own.all(axis=-1))


def soft_si(space: Space, *, options: Any) -> MetricResult:
    """Soft-order Separation Index: the share of the ``order`` nearest points that have the point's label.

    Formula: 1/n Σ_i 1/r Σ_{j=1..r} [y_i = y_nn_j(i)].
    Range: 0 to 1; order 1 is ``si``.
    Ties: as ``high-order-si``: the mean over all choices of tied last points.
    Source: Kalhor et al., 2023.
    """
    found = space.neighbours.in_order(options.order)
    if options.ties == "lowest-index":
        values = _same(space, found).mean(axis=1)
    else:
        places = options.order - found.closer
        values = (found.closer_own + places * found.tied_own / found.tied) / options.order
    return _mean(values, space, options, lambda own: own.mean(axis=-1))


def anti_si(space: Space, *, options: Any) -> MetricResult:
    """Anti Separation Index: the share of points none of whose ``order`` nearest points has their label.

    Formula: 1/n Σ_i Π_{j=1..r} [y_i ≠ y_nn_j(i)].
    Range: 0 to 1, lower is better; order 1 is 1 - ``si``.
    Ties: as ``high-order-si``.
    Source: Kalhor et al., 2023.
    """
    found = space.neighbours.in_order(options.order)
    if options.ties == "lowest-index":
        values = (~_same(space, found)).all(axis=1).astype(np.float64)
    else:
        others = found.tied - found.tied_own
        values = (found.closer_own == 0) * _all_drawn(others, found.tied, found, options)
    return _mean(values, space, options, lambda own: ~own.any(axis=-1))


def _mean(values: Any, space: Space, options: Any, score: Callable[[Any], Any]) -> MetricResult:
    """The mean, with the error of ``score`` of the nearest points in halves."""
    effect = space.halves.design_effect(score(space.halves.own_neighbours(options.order)))
    return MetricResult.from_points(values, space, design_effect=effect, between=(0, 1))


def _same(space: Space, found: NeighboursInOrder) -> NDArray[np.bool_]:
    return found.classes == space.codes[space.queries][:, None]


def _all_drawn(
    good: NDArray[np.int64], total: NDArray[np.int64], found: NeighboursInOrder, options: Any
) -> NDArray[np.float64]:
    """The chance that all of the ``order - closer`` points drawn from ``total`` are among ``good``."""
    places = options.order - found.closer
    chance = np.ones(len(total))
    for drawn in range(int(places.max(initial=0))):
        step = np.maximum(good - drawn, 0) / np.maximum(total - drawn, 1)
        chance = np.where(drawn < places, chance * step, chance)
    return chance
