"""Mean distances to the points of each class."""

from __future__ import annotations

import numpy as np
import torch

from netlab.neighbours.dtypes import Float
from netlab.neighbours.search import Search
from netlab.neighbours.tiles import ProgressCallback, distance_rows


def mean_distances(search: Search, progress: ProgressCallback | None = None) -> Float:
    """Mean Euclidean distance of every query to the other points of each class: float64 (m, classes).

    From float32 products: about four digits. NaN where a class has no other point.
    """
    points = search.points
    totals = np.zeros((len(search), points.classes))
    for part, tile in distance_rows(search, progress):
        tile[torch.isinf(tile)] = 0.0
        tile.clamp_(min=0.0).sqrt_()
        for k in range(points.classes):
            columns = tile[:, int(points.starts[k]) : int(points.starts[k + 1])]
            totals[part, k] = columns.sum(1).cpu().numpy()
    others = np.tile(np.diff(points.starts), (len(search), 1))
    if search.exclude_self:
        others[np.arange(len(search)), search.codes] -= 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(others > 0, totals / others, np.nan)
