"""Separability written down directly, in float64 or in exact fractions, to hold netlab against."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np


def squared_distances(a, b):
    """((x - y) ** 2).sum() in float64 for every pair of rows."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.stack([np.square(row - b).sum(axis=1) for row in a])


def own_distances(x):
    distances = squared_distances(x, x)
    np.fill_diagonal(distances, np.inf)
    return distances


def si_per_point(x, y, ties="fractional"):
    y = np.asarray(y)
    result = []
    for i, row in enumerate(own_distances(x)):
        tied = y[row == row.min()]
        same = tied == y[i]
        result.append(
            {
                "fractional": same.mean(),
                "optimistic": float(same.any()),
                "pessimistic": float(same.all()),
                "lowest-index": float(y[int(row.argmin())] == y[i]),
            }[ties]
        )
    return np.array(result)


def csi_per_point(x, y, *, leave_one_out=False):
    """Nearest class mean in exact rational arithmetic."""
    points = [[Fraction(float(v)) for v in row] for row in np.asarray(x, dtype=np.float64)]
    y = list(y)
    classes = sorted(set(y))
    result = []
    for i, point in enumerate(points):
        distances = {}
        for k in classes:
            members = [p for j, p in enumerate(points) if y[j] == k and not (leave_one_out and j == i)]
            if members:
                mean = [sum(column) / len(members) for column in zip(*members, strict=True)]
                distances[k] = sum((a - b) ** 2 for a, b in zip(point, mean, strict=True))
        nearest = [k for k, value in distances.items() if value == min(distances.values())]
        result.append(nearest.count(y[i]) / len(nearest))
    return np.array(result)


def over_tie_orders(x, y, order, statistic):
    """Mean of ``statistic(own flags of the sorted neighbours)`` over all orders of tied points."""
    y = np.asarray(y)
    result = []
    for i, row in enumerate(own_distances(x)):
        others = [j for j in range(len(y)) if j != i]
        levels = sorted({row[j] for j in others})
        prefix: list[int] = []
        options = [prefix]
        for level in levels:
            group = [j for j in others if row[j] == level]
            if order is not None and len(options[0]) >= order:
                break
            options = [done + list(p) for done in options for p in permutations(group)]
        values = [statistic([bool(y[j] == y[i]) for j in option][:order]) for option in options]
        result.append(np.mean(values))
    return np.array(result)


def signed_run(flags):
    length = next((at for at, flag in enumerate(flags) if flag != flags[0]), len(flags))
    return length if flags[0] else -length
