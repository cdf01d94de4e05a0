"""Mean distances to the points of each class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.candidates import double_rows, half_width_double
from netlab.neighbours.dtypes import Float
from netlab.neighbours.operands import SortedPoints, half_width
from netlab.neighbours.search import Search
from netlab.neighbours.tiles import ProgressCallback, distance_rows

PRECISION = 2e-3  # the relative error that is allowed, by its bound: the error itself is far smaller
_FARTHEST = np.full((1, 1), np.inf)  # of the points whose distances are computed: bounds hold for all


def mean_distances(search: Search, progress: ProgressCallback | None = None) -> Float:
    """Mean Euclidean distance of every query to the other points of each class: float64 (m, classes).

    NaN where a class has no other point. From float32 products; queries for which their bound does not
    promise every mean within ``PRECISION`` (of a far cluster, or of points much nearer to one another
    than to the centre) are measured again by products in float64, and if need be by differences.
    """
    points, m = search.points, len(search)
    totals, wrong = np.zeros((m, points.classes)), np.zeros((m, points.classes))
    for part, tile in distance_rows(search, progress):
        squares = search.squares[part][:, None]
        width = half_width(_FARTHEST, squares, points.greatest, points.epsilon, points.alpha)
        totals[part], wrong[part] = _sums(points, tile, width)
    unsure = np.flatnonzero((wrong > PRECISION * totals).any(axis=1))
    for part, distances, norms in double_rows(search.part(unsure)):
        width = half_width_double(points, _FARTHEST, norms[:, None])
        width = np.repeat(width, points.classes, axis=1)
        totals[unsure[part]], wrong[unsure[part]] = _sums(points, torch.from_numpy(distances), width)
    for query in np.flatnonzero((wrong > PRECISION * totals).any(axis=1)):
        totals[query] = _sums_of_differences(search, int(query))
    others = np.tile(np.diff(points.starts), (m, 1))
    if search.exclude_self:
        others[np.arange(m), search.codes] -= 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(others > 0, totals / others, np.nan)


def _sums(points: SortedPoints, tile: Tensor, width: Float) -> tuple[Float, Float]:
    """Sums of distances by class from computed squares (rows, n), and how wrong they may be.

    ``width`` (rows, classes) bounds the error w of the squares; that of a root r is w / max(r, √w) at most.
    """
    roots = tile.clamp_(min=0.0).sqrt_()
    sums, wrong = np.zeros(width.shape), np.zeros(width.shape)
    for k in range(points.classes):
        columns = roots[:, int(points.starts[k]) : int(points.starts[k + 1])]
        w = torch.from_numpy(width[:, k]).to(columns)[:, None]
        wrong[:, k] = (w / torch.maximum(columns, w.sqrt())).sum(1).cpu().numpy()
        columns[torch.isinf(columns)] = 0.0  # a point and itself
        sums[:, k] = columns.sum(1).cpu().numpy()
    return sums, wrong


def _sums_of_differences(search: Search, query: int) -> Float:
    """Sums of distances by class of one query, from differences in float64."""
    points, queries = search.points, search.queries
    (own,) = queries.exact(queries.order[search.rows[[query]]])
    sums = np.zeros(points.classes)
    for block in points.matrix.blocks():
        distances = np.sqrt(np.square(points.exact(points.order[block]) - own).sum(axis=1))
        sums += np.bincount(points.codes[block], weights=distances, minlength=points.classes)
    return sums
