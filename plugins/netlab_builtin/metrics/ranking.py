"""Forward selection of features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.metric import MetricResult, Space

Float = NDArray[np.float64]
LARGEST = 16_000  # points: the matrix of squared distances is kept
ROWS = 128


def feature_ranking(space: Space, *, options: Any) -> MetricResult:
    """Feature ranking: the features that together give the highest SI, chosen one by one.

    Formula: F_0 = {}; F_{t+1} = F_t ∪ {argmax_f SI(F_t ∪ {f})}. Squared distances are updated by one
    feature a step, D + (x_f - x_fᵀ)², not computed again. The value is the SI of all chosen features;
    ``features`` lists them in order, ``si`` the value after each.
    Range: 0 to 1.
    Ties: of features the lowest index; of points as ``si``, fractional.
    Cost: about d n² operations a step.
    Source: Kalhor et al., 2023 (forward feature selection by SI).
    """
    n, top = space.n, min(options.top, space.d)
    if n > LARGEST:
        raise ValueError(
            f"feature-ranking keeps a matrix of n × n distances; {n} points are more than {LARGEST}: "
            "measure a smaller --fraction"
        )
    order = np.argsort(space.codes, kind="stable")
    codes = space.codes[order]
    edges = np.searchsorted(codes, np.arange(len(space.class_names) + 1))
    columns = np.ascontiguousarray(space.rows(order).T)
    distances = np.zeros((n, n))
    np.fill_diagonal(distances, np.inf)
    left = list(range(space.d))
    chosen: list[int] = []
    values: list[float] = []
    hits: Float = np.zeros(n)
    for _ in range(top):
        best = (-1.0, -1, hits)
        for feature in left:
            own = _own_shares(distances, columns[feature], codes, edges)
            if own.mean() > best[0]:
                best = (float(own.mean()), feature, own)
        value, feature, hits = best
        chosen.append(feature)
        values.append(value)
        left.remove(feature)
        for start in range(0, n, ROWS):
            part = slice(start, start + ROWS)
            distances[part] += np.square(columns[feature][part, None] - columns[feature])
    per_point = np.empty(n)
    per_point[order] = hits
    extra = {"features": chosen, "si": values}
    return MetricResult(values[-1], None, {}, per_point, extra, space.notes)


def _own_shares(distances: Float, column: Float, codes: NDArray[np.int64], edges: NDArray[np.int64]) -> Float:
    """The share of each point's label among its nearest points with one more feature; class-sorted."""
    n = len(column)
    shares = np.empty(n)
    for start in range(0, n, ROWS):
        part = slice(start, min(start + ROWS, n))
        tile = distances[part] + np.square(column[part, None] - column)
        least = tile.min(axis=1)
        own = np.empty(len(tile))
        for k in np.unique(codes[part]):
            rows = np.flatnonzero(codes[part] == k)
            own[rows] = tile[rows, edges[k] : edges[k + 1]].min(axis=1)
        shares[part] = own == least
        # Where the point's class has one at the least distance, another class may have one too.
        for row in np.flatnonzero(own == least):
            tied = codes[tile[row] == least[row]]
            if len(tied) > 1:
                shares[start + row] = (tied == codes[start + row]).mean()
    return shares
