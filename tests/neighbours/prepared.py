"""Points as the kernel takes them, from plain arrays."""

from __future__ import annotations

import numpy as np

from netlab.neighbours.matrix import FeatureMatrix, Standardization
from netlab.neighbours.operands import SortedPoints
from netlab.neighbours.search import Search


def matrix_of(x, standardize=False):
    """Features as a matrix, standardized in float64 if asked to."""
    if not standardize:
        return FeatureMatrix(x)
    x = np.asarray(x, dtype=np.float64)
    return FeatureMatrix(x, Standardization(x.mean(0), x.std(0)))


def sorted_points(x, codes, *, standardize=False, panel_rows=None, **more):
    """Points sorted by class, all in memory or ``panel_rows`` at once."""
    matrix = matrix_of(x, standardize)
    codes = np.asarray(codes, dtype=np.int64)
    rows = panel_rows or len(codes)
    return SortedPoints(matrix, codes, int(codes.max()) + 1, panel_rows=rows, device=matrix.device, **more)


def among_others(points):
    """Every point's neighbours among the others, queries in the order of the original indices."""
    return Search(points, points.positions(np.arange(points.n)), points, True)


def with_themselves(points):
    """All points against all, in sorted order."""
    return Search(points, np.arange(points.n), points, False)
