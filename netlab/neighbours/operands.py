"""Points prepared for matrix products: sorted by class, centred, float32, with a bound on the error.

Squared distances come from one matrix product. With the squared norm ``q`` in two extra columns,

    [-2a, q_a, 1] · [b, 1, q_b] = q_a + q_b - 2 a·b = |a - b|²

so that no further pass over a tile is needed. The features are cut into chunks of ``CHUNK`` columns
whose products are added up, which keeps the error bound small.

**The bound.** With unit roundoff u = 2⁻²⁴ and γ(k) = k u / (1 - k u), a product of two vectors of
length k, summed in any order, is within γ(k) Σ|x||y| of the exact one (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.1). For T chunks of length c the sum is within γ(c + T).
Here Σ|x||y| ≤ 2|a||b| + q_a + q_b ≤ 2 (q_a + q_b); the computed q carry a relative error of at most
γ(c) + 3u; and centring, scaling and rounding to float32 moves every coordinate by at most 3u of
itself, hence a distance by 4u (|a| + |b|) and its square by less than 17u (q_a + q_b). Together

    |computed - exact| ≤ ε (q_a + q_b) + α,   ε = 3 γ(c + T + 4) + 24 u,

with α for underflow. "Exact" is |a - b|² of the original float64 values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.dtypes import Float, Int
from netlab.neighbours.matmul import MatrixProduct, fastest_product
from netlab.neighbours.matrix import FeatureMatrix
from netlab.neighbours.parallel import each, even_slices
from netlab.neighbours.standardize import column_means

CHUNK = 512  # columns a product: the fewest that multiply at full speed
TILE = 512  # rows of a tile: two operands and the product fit a core's cache
CUDA_TILE = 8192
_FIXED = 96 << 20  # bytes of tiles, temporaries and results beside the copy
_SMALLEST_PANEL = 64
_FILLED = 512  # rows prepared at once


@dataclass(frozen=True, slots=True)
class Operands:
    """Rows ``start`` to ``stop`` (positions in class order) as right operands, one a chunk."""

    start: int
    stop: int
    chunks: tuple[Tensor, ...]

    def rows(self, start: int, stop: int) -> Operands:
        lo, hi = start - self.start, stop - self.start
        return Operands(start, stop, tuple(chunk[lo:hi] for chunk in self.chunks))

    def select(self, positions: Int) -> Operands:
        index = torch.from_numpy(positions - self.start).to(self.chunks[0].device)
        return Operands(0, len(positions), tuple(chunk.index_select(0, index) for chunk in self.chunks))

    def left(self, chunk: int) -> Tensor:
        """One chunk of the same rows as a left operand."""
        columns = self.chunks[chunk]
        operand = columns.mul(-2.0)
        if chunk == len(self.chunks) - 1:
            operand[:, -2] = columns[:, -1]
            operand[:, -1] = 1.0
        return operand


class OutOfRangeError(ArithmeticError):
    """float32 can not hold the squared norms; ``exponent`` would bring them into range."""

    def __init__(self, exponent: int) -> None:
        super().__init__(exponent)
        self.exponent = exponent


class SortedPoints:
    """The rows of a feature matrix, sorted by class, as operands of matrix products.

    ``order[p]`` is the original index of position p; ``starts[k]:starts[k + 1]`` are the positions of
    class k. ``like`` takes over another set's centre and scale, for distances between the two.
    Everything is multiplied by ``2 ** exponent`` (not 0 only where standardized features are extreme).
    ``memory`` bytes say how many rows are held at once, or ``panel_rows`` does.

    Raises:
        OutOfRangeError: with ``like``, if its scale is too large for these points.
    """

    def __init__(
        self,
        matrix: FeatureMatrix,
        codes: Int,
        classes: int,
        *,
        memory: int = 0,
        panel_rows: int | None = None,
        device: torch.device,
        like: SortedPoints | None = None,
        exponent: int = 0,
    ) -> None:
        self.matrix = matrix
        self.device = device
        self.matmul: MatrixProduct = fastest_product(device)
        self.n, self.d, self.classes = matrix.n, matrix.d, classes
        self.order: Int = np.argsort(codes, kind="stable").astype(np.int64)
        self.codes: Int = codes[self.order]
        self.starts: Int = np.searchsorted(self.codes, np.arange(classes + 1)).astype(np.int64)
        self.bounds = [(lo, min(lo + CHUNK, self.d)) for lo in range(0, self.d, CHUNK)]
        width = min(CHUNK, self.d) + len(self.bounds) + 4
        self.epsilon = 3 * gamma(width, 2.0**-24) + 24 * 2.0**-24
        self.alpha = (self.d + 8) * 2.0**-116
        self.squares: Float = np.zeros(self.n)
        self.greatest: Float = np.zeros(classes)
        self.exponent: int = like.exponent if like else exponent
        self.centre: Tensor = like.centre if like else self._find_centre()
        self._origin, self._scale = self._frame()
        self._moderate = bool((self._scale > 1e-30).all() and (self._scale < 1e30).all())
        self.panel_rows = panel_rows or self._panel_rows(memory, classes)
        self._resident: Operands | None = None
        self._prepare(fixed_scale=like is not None)

    def _panel_rows(self, memory: int, classes: int) -> int:
        row = 4 * (self.d + 2)
        left = memory - _FIXED - 12 * self.n * classes
        if left >= row * self.n:
            return max(1, self.n)
        panel = left // (2 * row)
        if panel < min(_SMALLEST_PANEL, self.n):
            needed = _FIXED + 12 * self.n * classes + 2 * row * min(_SMALLEST_PANEL, self.n)
            raise ValueError(
                f"{memory / 2**20:.0f} MiB of memory are too small for {self.n} points × {self.d} features: "
                f"at least {math.ceil(needed / 2**20)} MiB are needed"
            )
        return int(panel)

    def _find_centre(self) -> Tensor:
        """About the mean of every feature; any vector would be right, this one keeps norms small."""
        if self.matrix.standardization is not None:
            return torch.zeros(self.d, dtype=torch.float64, device=self.device)
        mean = column_means(self.matrix).to(self.device)
        return mean.float().double() if self.matrix.is_single else mean

    def _frame(self) -> tuple[Tensor, Tensor]:
        """What is subtracted from the features before standardization, and what they are divided by."""
        standardization = self.matrix.standardization
        if standardization is None:
            return self.centre, torch.ones_like(self.centre)
        mean, scale = (torch.from_numpy(values) for values in (standardization.mean, standardization.scale))
        return mean.to(self.device), scale.to(self.device)

    def _prepare(self, *, fixed_scale: bool) -> None:
        resident = self.panel_rows >= self.n
        for attempt in (0, 1):
            if resident:
                self._resident = self._fill(0, self.n)
            else:
                self._fill_chunks(None, np.arange(self.n), self.squares)
            if np.isfinite(self.squares).all():
                break
            exponent = -self._largest_exponent()
            if fixed_scale:
                raise OutOfRangeError(exponent)
            if attempt:
                raise ValueError("features are not finite after standardization")
            self.exponent = exponent
        if self.n:
            filled = np.flatnonzero(np.diff(self.starts))
            self.greatest[filled] = np.maximum.reduceat(self.squares, self.starts[filled])

    def _largest_exponent(self) -> int:
        centre = self.centre.cpu().numpy()
        largest = max(
            float(np.abs(self.matrix.exact(block) - centre).max(initial=0.0))
            for block in self.matrix.blocks()
        )
        return math.frexp(largest)[1]

    def positions(self, indices: Int) -> Int:
        """Where the points with these original indices are."""
        position = np.empty(self.n, dtype=np.int64)
        position[self.order] = np.arange(self.n)
        return position[indices]

    def panels(self) -> list[tuple[int, int]]:
        """Ranges of positions that are in memory at once: one when the copy fits the budget."""
        step = max(1, self.panel_rows)
        return [(start, min(start + step, self.n)) for start in range(0, self.n, step)]

    def load(self, start: int, stop: int) -> Operands:
        if self._resident is not None:
            return self._resident.rows(start, stop)
        return self._fill(start, stop)

    def pick(self, positions: Int) -> Operands:
        """Any rows, in the order given."""
        if self._resident is not None:
            return self._resident.select(positions)
        chunks = self._empty(len(positions))
        self._fill_chunks(chunks, positions, None)
        return Operands(0, len(positions), tuple(chunks))

    def _empty(self, rows: int) -> list[Tensor]:
        widths = [hi - lo for lo, hi in self.bounds]
        widths[-1] += 2
        return [torch.empty(rows, width, device=self.device) for width in widths]

    def _fill(self, start: int, stop: int) -> Operands:
        chunks = self._empty(stop - start)
        self._fill_chunks(chunks, np.arange(start, stop), self.squares[start:stop])
        return Operands(start, stop, tuple(chunks))

    def _fill_chunks(self, chunks: list[Tensor] | None, positions: Int, q_out: Float | None) -> None:
        """Prepare rows into ``chunks``, their squared norms into ``q_out``, or one of the two."""

        def fill(rows: slice) -> None:
            indices = self.order[positions[rows]]
            q = torch.zeros(len(indices), dtype=torch.float64, device=self.device)
            for i, (first, last) in enumerate(self.bounds):
                part = self._single(indices, slice(first, last))
                q += torch.linalg.vector_norm(part, dim=1).double().square()
                if chunks is not None:
                    chunks[i][rows, : last - first] = part
            if chunks is not None:
                chunks[-1][rows, -2] = 1.0
                chunks[-1][rows, -1] = q.float()
            if q_out is not None:
                q_out[rows] = q.cpu().numpy()

        count = max(torch.get_num_threads(), -(-len(positions) // _FILLED))
        each(fill, even_slices(0, len(positions), count), self.device)

    def _single(self, rows: Int, columns: slice) -> Tensor:
        """Rows (original indices) centred and scaled, float32."""
        block = self.matrix.take(rows, columns).to(self.device)
        origin, scale = self._origin[columns], self._scale[columns]
        if block.dtype is torch.float32 and self.exponent == 0 and self._moderate:
            return block.sub_(origin.float()).mul_((1.0 / scale).float())
        return ((block.double() - origin) / scale * 2.0**self.exponent).float()

    def exact(self, rows: Int) -> Float:
        """Original values (original indices), float64, times the power of two that prevents overflow."""
        block = self.matrix.exact(rows)
        return block * 2.0**self.exponent if self.exponent else block

    def centred(self, rows: Int) -> Float:
        """``exact`` less the centre: for products in float64."""
        block = self.matrix.exact(rows)
        block -= self.centre.cpu().numpy()
        return block * 2.0**self.exponent if self.exponent else block

    def half_width(self, distance: Float, squares: Float) -> Float:
        """``half_width`` of squared distances to any point, of queries with these squared norms."""
        return half_width(distance, squares, self.greatest.max(initial=0.0), self.epsilon, self.alpha)

    def tile(self) -> int:
        """Rows of a tile; no more than a panel has."""
        return min(TILE if self.device.type == "cpu" else CUDA_TILE, self.panel_rows)

    def tiles(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """[start, stop) in parts of nearly equal length, none longer than a tile."""
        count = max(1, -(-(stop - start) // self.tile()))
        edges = np.linspace(start, stop, count + 1).round().astype(int)
        for lo, hi in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if hi > lo:
                yield lo, hi


def gamma(k: int, u: float) -> float:
    """γ(k) for unit roundoff u."""
    return k * u / (1 - k * u)


def half_width(distance: Float, q: Float, q_max: Float | float, epsilon: float, alpha: float) -> Float:
    """How far the exact least squared distance to a class may lie from the computed one.

    ``q`` belongs to the point, ``q_max`` bounds q of the class. The nearest point b has
    |b| ≤ |a| + |a - b|, which is often tighter than ``q_max``.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        farthest = np.maximum(distance, 0.0) + 1.01 * (epsilon * (q + q_max) + alpha)
        q_other = np.minimum(q_max, (np.sqrt(q) + np.sqrt(farthest)) ** 2)
        return 1.01 * (epsilon * (q + q_other) + alpha)
