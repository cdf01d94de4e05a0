"""The linear kernel of the points: inner products, and its alignment with another layer's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.dtypes import Float, Float32
from netlab.neighbours.operands import SortedPoints
from netlab.neighbours.search import Search
from netlab.neighbours.tiles import distance_rows
from netlab.separability.space.points import PointSets


class LinearKernel:
    """Inner products of the points about a common centre, in float32."""

    def __init__(self, sets: PointSets) -> None:
        self._sets = sets

    def products(self) -> Float32:
        """Inner products of the points with one another, less about their mean: float32 (n, n).

        Raises:
            ValueError: if the matrix does not fit the memory allowed.
        """
        return self._products(_everywhere(self._sets.sorted, self._sets.sorted))

    def products_reference(self) -> Float32:
        """Inner products of the points with the reference points, less about the mean of these: (n, m).

        Raises:
            ValueError: there are no reference points, or the matrix does not fit the memory allowed.
        """
        search = self._sets.across
        return self._products(_everywhere(search.queries, search.points))

    def _products(self, search: Search) -> Float32:
        queries, points, memory = search.queries, search.points, self._sets.memory
        size = 4 * queries.n * points.n
        if size > memory:
            raise ValueError(
                f"the {queries.n} × {points.n} matrix of inner products needs {size / 2**30:.1f} GiB, more "
                f"than the {memory / 2**30:.1f} GiB allowed; measure fewer points"
            )
        result = np.empty((queries.n, points.n), dtype=np.float32)
        for part, tile in _kernel_rows(search):
            inner = np.ldexp(tile.cpu().numpy(), -2 * points.exponent)
            result[np.ix_(queries.order[part], points.order)] = inner
        return result

    def alignment(self, other: LinearKernel) -> tuple[float, float, float]:
        """Inner products of the centred kernels K = X Xᵀ, L = Y Yᵀ of two layers on the same points, L the
        ``other``: (⟨K, K⟩, ⟨K, L⟩, ⟨L, L⟩), up to a factor for each layer. Nothing n × n is kept."""
        mine, theirs = self._sets.sorted, other._sets.sorted
        if theirs.n != mine.n or not np.array_equal(theirs.order, mine.order):
            raise ValueError("two layers can only be aligned on the same points in the same order")
        n = mine.n
        # Squares of products leave float32's range where norms are above 1e9 or below 1e-10.
        powers = [-int(np.frexp(points.squares.max())[1]) for points in (mine, theirs)]
        sums = {"kk": 0.0, "kl": 0.0, "ll": 0.0}
        margins = [np.empty(n), np.empty(n)]
        for (part, first), (_, second) in zip(
            _kernel_rows(_everywhere(mine, mine)), _kernel_rows(_everywhere(theirs, theirs)), strict=True
        ):
            first, second = first.mul_(2.0 ** powers[0]), second.mul_(2.0 ** powers[1])
            sums["kk"] += float((first * first).sum(1, dtype=torch.float64).sum())
            sums["kl"] += float((first * second).sum(1, dtype=torch.float64).sum())
            sums["ll"] += float((second * second).sum(1, dtype=torch.float64).sum())
            for margin, tile in zip(margins, (first, second), strict=True):
                margin[part] = tile.sum(1, dtype=torch.float64).cpu().numpy()

        def centred(total: float, a: Float, b: Float) -> float:
            return total - 2 * float(a @ b) / n + float(a.sum() * b.sum()) / n**2

        k, l = margins  # noqa: E741
        return centred(sums["kk"], k, k), centred(sums["kl"], k, l), centred(sums["ll"], l, l)


def _everywhere(queries: SortedPoints, points: SortedPoints) -> Search:
    """All points against all points, each with itself too."""
    return Search(queries, np.arange(queries.n), points, False)


def _kernel_rows(search: Search) -> Iterator[tuple[slice, Tensor]]:
    """Inner products a few rows at a time, from (|a|² + |b|² - |a - b|²) / 2."""
    device = search.points.device
    squares = torch.from_numpy(search.points.squares).to(device, torch.float32)
    for part, tile in distance_rows(search):
        own = torch.from_numpy(search.squares[part]).to(device, torch.float32)
        yield part, tile.neg_().add_(own[:, None]).add_(squares).mul_(0.5)
