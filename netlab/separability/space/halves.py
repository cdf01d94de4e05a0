"""How much a value varies from sample to sample: by the halves of a sample of the points.

Two halves of the points that share none are two independent samples, whatever the value is and however much
one point has to do with the next. So half of the squared difference of their values is, on average, the
variance of the value of so many points. Of a mean over points it is the variance that independent points
would give, times a **design effect**, which hardly depends on how many points there are: it is estimated on
1,000 points at most, over many ways to halve them, and carried over to all of them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from netlab.neighbours.among import squared_distances_among
from netlab.neighbours.dtypes import Bool, Float, Float32, Int
from netlab.separability.space.points import LabelledPoints
from netlab.separability.space.read_only import read_only

POINTS = 1000  # of the sample, at most
SPLITS = 64
FEW = 300  # points whose distances from all others are looked at
_FEWEST = 8  # points that are worth halving
_PRIOR = 10.0  # wrong points whose weight the usual design effect has


class Halves:
    """A sample of s points, and R ways to halve it; the values of a point are those among its half.

    Everything is computed on first use. Points are drawn with a seed of their own, 0.
    """

    def __init__(self, points: LabelledPoints) -> None:
        self._points = points
        rng = np.random.default_rng(0)
        size = min(points.matrix.n, POINTS)
        self.points: Int = read_only(rng.permutation(points.matrix.n)[:size])
        self.sides: Bool = read_only(
            np.stack([rng.permutation(np.arange(size) < size // 2) for _ in range(SPLITS)])
        )

    @property
    def codes(self) -> Int:
        """Classes of the points, int64 (s,)."""
        return self._points.codes[self.points]

    @cached_property
    def squared_distances(self) -> Float32:
        """Squared distances of the points from one another, float32 (s, s)."""
        return read_only(squared_distances_among(self._points.matrix, self.points.copy()))

    @cached_property
    def distances_to_all(self) -> Float32:
        """Distances of the first of the points, 300 at most, from all points of the space: float32 (r, n)."""
        matrix = self._points.matrix
        some, everything = self.points[:FEW].copy(), np.arange(matrix.n)
        found = [
            squared_distances_among(matrix, some, everything[start : start + POINTS])
            for start in range(0, matrix.n, POINTS)
        ]
        return read_only(np.sqrt(np.concatenate(found, axis=1)))

    def own_neighbours(self, order: int) -> Bool:
        """Whether the nearest, the second nearest, ... point of the same half has the label: (R, s, order).

        Where a half is too small for the order, it ends with the last point.
        """
        size = len(self.points)
        order = max(1, min(order, size // 2 - 1))
        among = self._nearest(min(size - 1, 16 + 4 * order))
        same = self.codes[among] == self.codes[:, None]
        found = np.empty((SPLITS, size, order), dtype=bool)
        rows = np.arange(size)
        for split, side in enumerate(self.sides):
            rank = np.cumsum(side[among] == side[:, None], axis=1)
            for place in range(order):
                at = np.argmax(rank == np.minimum(place + 1, rank[:, -1:]), axis=1)
                found[split, :, place] = same[rows, at]
        return found

    def _nearest(self, count: int) -> Int:
        distances = torch.from_numpy(self.squared_distances.copy())
        distances.fill_diagonal_(torch.inf)
        return torch.topk(distances, count, dim=1, largest=False).indices.numpy()

    def own_class_means(self, *, leave_one_out: bool) -> Bool:
        """Whether the nearest class mean of the same half is that of the point's class: (splits, s).

        Of as many splits as take a moment.
        """
        codes, size, classes = self.codes, len(self.points), self._points.classes
        splits = int(np.clip(4000 // (2 * classes), 8, SPLITS))
        found = np.empty((splits, size), dtype=bool)
        distances, rows = torch.from_numpy(self.squared_distances.copy()), np.arange(size)
        for split, side in enumerate(self.sides[:splits]):
            column = codes + classes * side
            counts = np.bincount(column, minlength=2 * classes)
            weights = torch.zeros(size, 2 * classes)
            weights[rows, column] = torch.from_numpy(1 / counts[column]).float()
            # |x - μ|² is the mean of |x - y|² over the class, less the mean of |y - μ|².
            to_points = (distances @ weights).numpy().astype(np.float64)
            spread = np.bincount(column, to_points[rows, column], 2 * classes) / np.maximum(counts, 1) / 2
            squared = np.where(counts > 0, to_points - spread, np.inf)
            own = squared[rows, column]
            if leave_one_out:
                n = counts[column]
                own = np.where(n > 1, own * np.square(n / np.maximum(n - 1, 1)), np.inf)
            squared[rows, column] = np.inf
            squared[np.arange(2 * classes) // classes != side[:, None]] = np.inf
            found[split] = own < squared.min(axis=1)
        return found

    def design_effect(self, values: Float | Bool, usual: float = 1.5) -> float:
        """By what the variance of the mean of ``values`` (splits, s) exceeds that of independent points.

        Where few points tell (all values are nearly the same), it is drawn towards ``usual``.
        """
        values = np.asarray(values, dtype=np.float64)
        size = len(self.points)
        if size < _FEWEST:
            return usual
        sides = self.sides[: len(values)]
        counts = sides.sum(axis=1), (~sides).sum(axis=1)
        first, second = (values * sides).sum(axis=1) / counts[0], (values * ~sides).sum(axis=1) / counts[1]
        squares = np.square(values - np.where(sides, first[:, None], second[:, None]))
        apart, independent = float(np.square(first - second).sum()), 0.0
        for side, count in zip((sides, ~sides), counts, strict=True):
            independent += float(((squares * side).sum(axis=1) / (count - 1) / count).sum())
        told = float(squares.sum()) / len(values)
        found = apart / independent if independent else usual
        return (told * found + _PRIOR * usual) / (told + _PRIOR)
