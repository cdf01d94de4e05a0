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
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.matmul import full_float32
from netlab.neighbours.operands import Block, Int, Points
from netlab.neighbours.parallel import each

Progress = Callable[[int, int], None]

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


def strips(points: Points) -> list[Strip]:
    """Strips that hold every pair of points once, those of the same panels in a row."""
    panels = points.panels()
    return [
        strip for a, panel in enumerate(panels) for other in panels[a:]
        for strip in strips_between(points, panel, other)
    ]  # fmt: skip


def strips_between(points: Points, panel: Span, other: Span) -> list[Strip]:
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


def class_minima(points: Points, progress: Progress | None = None) -> NDArray[np.float32]:
    """Computed squared distance (n, classes) from every point to the nearest other one of each class.

    Rows are positions. Infinity where a class has no other point.
    """
    return strip_minima(points, strips(points), progress)


def strip_minima(
    points: Points, strips: Sequence[Strip], progress: Progress | None = None
) -> NDArray[np.float32]:
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
        sides = Side(first, best[:, slice(*panel)]), Side(second, best[:, slice(*other)])
        walk = partial(_walk, left=sides[0], right=sides[1], points=points, lock=lock)
        with full_float32():
            each(walk, group, points.device, report)
        del walk, sides
    return best.T.cpu().numpy()


def pair_minima(points: Points, panel: Span, other: Span) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The minima over the pairs of a position in ``panel`` with one in ``other``, for both sides.

    float32 (positions of the panel, classes), twice; the first alone counts when the panels are one.
    Memory is that of the two panels.
    """
    first = points.load(*panel)
    second = first if other == panel else points.load(*other)

    def side(block: Block) -> Side:
        size = block.stop - block.start
        return Side(block, torch.full((points.classes, size), torch.inf, device=points.device))

    left = side(first)
    right = left if second is first else side(second)
    lock = Lock()
    with full_float32():
        each(lambda strip: _walk(strip, left, right, points, lock),
             strips_between(points, panel, other), points.device)  # fmt: skip
    return left.best.T.cpu().numpy(), right.best.T.cpu().numpy()


@dataclass(frozen=True, slots=True)
class Side:
    """A block of points, and their minima (classes, points of the block) as far as they are known."""

    block: Block
    best: Tensor

    def minima(self, start: int, stop: int) -> Tensor:
        """Those of some positions."""
        return self.best[:, start - self.block.start : stop - self.block.start]


def _walk(strip: Strip, left: Side, right: Side, points: Points, lock: Lock) -> None:
    columns = [right.block.rows(*span) for span in strip.columns]
    products = multiply(points, left.block.rows(*strip.rows), columns)
    for tile, (low, high) in zip(products, strip.columns, strict=True):
        if (low, high) == strip.rows:
            tile.fill_diagonal_(torch.inf)
        else:
            _reduce(right.minima(low, high), tile.T, points, *strip.rows, lock)
        _reduce(left.minima(*strip.rows), tile, points, low, high, lock)


def multiply(points: Points, left: Block, right: Sequence[Block]) -> list[Tensor]:
    """Squared distances (rows of left, rows of right), float32, for every block on the right."""
    engine = points.engine
    totals: list[Tensor] = []
    for chunk in range(len(left.chunks)):
        operand = engine.left(left.left(chunk))
        for i, block in enumerate(right):
            product = engine.multiply(operand, block.chunks[chunk])
            if chunk == 0:
                totals.append(product)
            else:
                totals[i] += product
    return totals


def _reduce(best: Tensor, tile: Tensor, points: Points, low: int, high: int, lock: Lock) -> None:
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


def distance_rows(
    queries: Points, rows: Int, points: Points, *, exclude_self: bool, progress: Progress | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """Computed squared distances of some queries (positions) to all points, a few rows at a time.

    Yields a slice of ``rows`` and float32 (rows, n). With ``exclude_self`` the queries are the points
    and the distance of a point to itself is infinity.
    """
    step = int(max(1, min(queries.tile(), (64 << 20) // (4 * max(1, points.n)))))
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        with full_float32():  # not around the yield: the caller's own modes are not ours to change
            tile = torch.empty(part.stop - part.start, points.n, device=points.device)
            left = queries.pick(rows[part])
            for panel in points.panels():
                block = points.load(*panel)

                def fill(span: Span, left: Block = left, tile: Tensor = tile, block: Block = block) -> None:
                    (tile[:, slice(*span)],) = multiply(points, left, [block.rows(*span)])

                each(fill, points.tiles(*panel), points.device)
            if exclude_self:
                index = torch.from_numpy(rows[part]).to(points.device)
                tile[torch.arange(len(index), device=points.device), index] = torch.inf
        yield part, tile
        if progress is not None:
            progress(part.stop, len(rows))


def query_minima(
    queries: Points, rows: Int, points: Points, *, exclude_self: bool, progress: Progress | None = None
) -> NDArray[np.float32]:
    """``class_minima`` for some queries (positions) against all points: float32 (rows, classes)."""
    best = torch.full((points.classes, len(rows)), torch.inf, device=points.device)
    if points.n:
        for part, tile in distance_rows(queries, rows, points, exclude_self=exclude_self, progress=progress):
            _reduce(best[:, part], tile, points, 0, points.n, Lock())
    return best.T.cpu().numpy()
