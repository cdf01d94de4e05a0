"""The walk over tiles: computed squared distances between points, and their minima by class.

Every pair of points is multiplied once. The positions 0 to n are cut into tiles; a ``Strip`` is one
tile of rows with some tiles of columns at or after it. Strips are independent of one another: any of
them may be walked anywhere, and the element-wise minimum of what they give is the minimum of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.dtypes import Float32
from netlab.neighbours.matmul import full_float32
from netlab.neighbours.operands import Operands, SortedPoints
from netlab.neighbours.parallel import each
from netlab.neighbours.search import Search

ProgressCallback = Callable[[int, int], None]  # called with (done, total)

_STRIP_TILES = 8  # at most, of a strip: its left operand is prepared once for all of them
_PRODUCT_BYTES = 64 << 20  # of all threads: the products of a strip are in memory together
_MANY_SEGMENTS = 24  # classes in one tile from which one grouped reduction beats a loop

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Strip:
    """Positions ``rows`` against every span of ``columns``: the same span, or later ones.

    ``panels`` are the spans of positions, around the rows and around the columns, that are in memory
    at once.
    """

    rows: Span
    columns: tuple[Span, ...]
    panels: tuple[Span, Span]

    @property
    def pairs(self) -> int:
        """Pairs of points, a point with itself included."""
        count = self.rows[1] - self.rows[0]
        return sum(
            count * (count + 1) // 2 if span == self.rows else count * (span[1] - span[0])
            for span in self.columns
        )


def strips(points: SortedPoints) -> list[Strip]:
    """Strips that hold every pair of points once, those of the same panels in a row."""
    panels = points.panels()
    return [
        strip for a, panel in enumerate(panels) for other in panels[a:]
        for strip in strips_between(points, panel, other)
    ]  # fmt: skip


def strips_between(points: SortedPoints, panel: Span, other: Span) -> list[Strip]:
    """Strips that hold every pair of a position in ``panel`` and one in ``other`` once."""
    threads = torch.get_num_threads()
    tiles = -(-points.n // points.tile())
    even = tiles * (tiles + 1) // (16 * threads)  # the threads finish at about the same time
    held = _PRODUCT_BYTES // (4 * points.tile() ** 2 * threads)
    length = max(1, min(_STRIP_TILES, held, even))
    found = []
    for rows in points.tiles(*panel):
        columns = [span for span in points.tiles(*other) if span >= rows]
        for first in range(0, len(columns), length):
            found.append(Strip(rows, tuple(columns[first : first + length]), (panel, other)))
    return found


def class_minima(points: SortedPoints, progress: ProgressCallback | None = None) -> Float32:
    """Computed squared distance (n, classes) from every point to the nearest other one of each class.

    Rows are positions. Infinity where a class has no other point.
    """
    return strip_minima(points, strips(points), progress)


def strip_minima(
    points: SortedPoints, strips: Sequence[Strip], progress: ProgressCallback | None = None
) -> Float32:
    """``class_minima`` over the pairs of some strips only; infinity where they hold no such pair.

    The element-wise minimum over any division of ``strips(points)`` is ``class_minima(points)``, to the
    last bit.
    """
    best = torch.full((points.classes, points.n), torch.inf, device=points.device)
    lock = Lock()
    done, total = 0, sum(strip.pairs for strip in strips)

    def report(strip: Strip) -> None:
        nonlocal done
        done += strip.pairs
        if progress is not None:
            progress(done, total)

    first = second = None
    for (panel, other), group in groupby(strips, key=lambda strip: strip.panels):
        second = None  # before the next is loaded: no more than two panels are in memory
        if first is None or (first.start, first.stop) != panel:
            first = None
            first = points.load(*panel)
        second = first if other == panel else points.load(*other)
        sides = PanelMinima(first, best[:, slice(*panel)]), PanelMinima(second, best[:, slice(*other)])
        lower = partial(_lower_both, left=sides[0], right=sides[1], points=points, lock=lock)
        with full_float32():
            each(lower, group, points.device, report)
        del lower, sides
    return best.T.cpu().numpy()


def pair_minima(points: SortedPoints, panel: Span, other: Span) -> tuple[Float32, Float32]:
    """The minima over the pairs of a position in ``panel`` with one in ``other``, for both sides.

    float32 (positions of the panel, classes), twice; the first alone counts when the panels are one.
    Memory is that of the two panels.
    """
    first = points.load(*panel)
    second = first if other == panel else points.load(*other)

    def side(operands: Operands) -> PanelMinima:
        size = operands.stop - operands.start
        return PanelMinima(operands, torch.full((points.classes, size), torch.inf, device=points.device))

    left = side(first)
    right = left if second is first else side(second)
    lock = Lock()
    with full_float32():
        each(lambda strip: _lower_both(strip, left, right, points, lock),
             strips_between(points, panel, other), points.device)  # fmt: skip
    return left.best.T.cpu().numpy(), right.best.T.cpu().numpy()


@dataclass(frozen=True, slots=True)
class PanelMinima:
    """A panel of points, and their minima (classes, points of the panel) as far as they are known."""

    panel: Operands
    best: Tensor

    def minima(self, start: int, stop: int) -> Tensor:
        """Those of some positions."""
        return self.best[:, start - self.panel.start : stop - self.panel.start]


def _lower_both(
    strip: Strip, left: PanelMinima, right: PanelMinima, points: SortedPoints, lock: Lock
) -> None:
    """Lower the minima of both sides to the distances of a strip."""
    columns = [right.panel.rows(*span) for span in strip.columns]
    products = multiply(points, left.panel.rows(*strip.rows), columns)
    for tile, (low, high) in zip(products, strip.columns, strict=True):
        if (low, high) == strip.rows:
            tile.fill_diagonal_(torch.inf)
        else:
            _lower(right.minima(low, high), tile.T, points, *strip.rows, lock)
        _lower(left.minima(*strip.rows), tile, points, low, high, lock)


def multiply(points: SortedPoints, left: Operands, right: Sequence[Operands]) -> list[Tensor]:
    """Squared distances (rows of left, rows of right), float32, for each on the right."""
    totals: list[Tensor] = []
    for chunk in range(len(left.chunks)):
        operand = points.matmul.left(left.left(chunk))
        for i, block in enumerate(right):
            product = points.matmul.multiply(operand, block.chunks[chunk])
            if chunk == 0:
                totals.append(product)
            else:
                totals[i] += product
    return totals


def _lower(best: Tensor, tile: Tensor, points: SortedPoints, low: int, high: int, lock: Lock) -> None:
    """Lower ``best`` (classes, rows) to the minima of ``tile`` (rows, positions low to high) by class."""
    first, last = int(points.codes[low]), int(points.codes[high - 1])
    if last - first < _MANY_SEGMENTS:
        edges = [(k, max(low, int(points.starts[k])), min(high, int(points.starts[k + 1])))
                 for k in range(first, last + 1)]  # fmt: skip
        minima = [(k, tile[:, a - low : b - low].amin(1)) for k, a, b in edges if b > a]
        with lock:
            for k, values in minima:
                torch.minimum(best[k], values, out=best[k])
        return
    if tile.device.type == "cpu":
        present, offsets = np.unique(points.codes[low:high], return_index=True)
        grouped = torch.from_numpy(np.minimum.reduceat(tile.numpy(), offsets, axis=1)).T
        index = torch.from_numpy(present)
        with lock:
            best[index] = torch.minimum(best[index], grouped)
        return
    codes = torch.from_numpy(points.codes[low:high]).to(tile.device)
    best.index_reduce_(0, codes, tile.T.contiguous(), "amin")


def distance_rows(search: Search, progress: ProgressCallback | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Computed squared distances of the queries to all points, a few queries at a time.

    Yields a slice of the queries and float32 (queries of the slice, n). A point that excludes itself is
    infinitely far from itself.
    """
    points, queries, rows = search.points, search.queries, search.rows
    step = int(max(1, min(queries.tile(), (64 << 20) // (4 * max(1, points.n)))))
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        with full_float32():  # not around the yield: the caller's own modes are not ours to change
            tile = torch.empty(part.stop - part.start, points.n, device=points.device)
            left = queries.pick(rows[part])
            for panel in points.panels():
                block = points.load(*panel)

                def fill(
                    span: Span, left: Operands = left, tile: Tensor = tile, block: Operands = block
                ) -> None:
                    (tile[:, slice(*span)],) = multiply(points, left, [block.rows(*span)])

                each(fill, points.tiles(*panel), points.device)
            if search.exclude_self:
                index = torch.from_numpy(rows[part]).to(points.device)
                tile[torch.arange(len(index), device=points.device), index] = torch.inf
        yield part, tile
        if progress is not None:
            progress(part.stop, len(rows))


def query_minima(search: Search, progress: ProgressCallback | None = None) -> Float32:
    """``class_minima`` of some queries against all points: float32 (queries, classes)."""
    points = search.points
    best = torch.full((points.classes, len(search)), torch.inf, device=points.device)
    for part, tile in distance_rows(search, progress):
        _lower(best[:, part], tile, points, 0, points.n, Lock())
    return best.T.cpu().numpy()
