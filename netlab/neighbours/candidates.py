"""Exact nearest neighbours: float32 products decide what they can, float64 differences the rest.

``class_minima`` gives, for every point and class, the computed squared distance to the nearest point
of that class. ``half_width`` bounds how far the exact one may lie. Where the intervals of two classes
overlap, ``smallest`` looks again at the points that may be nearest, and evaluates their distances as
``((x - y) ** 2).sum()`` in float64 on the original values. Two points are tied when these are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.matmul import full_float32
from netlab.neighbours.operands import Block, Float, Int, Points, gamma, half_width
from netlab.neighbours.parallel import each, spans
from netlab.neighbours.tiles import Progress, distance_rows, multiply

Bool = NDArray[np.bool_]

_PAIRS = 1 << 23  # candidate pairs in memory at once
_STAGE_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Pairs:
    """Evaluated pairs of a few rows: row (index into the rows asked for), position, squared distance.

    Sorted by row, distance, original index of the point. All pairs of a row are in one ``Pairs``.
    """

    row: Int
    position: Int
    distance: Float


def smallest(
    queries: Points,
    rows: Int,
    points: Points,
    limit: Float,
    *,
    order: int = 1,
    allowed: Bool | None = None,
    exclude_self: bool,
) -> Iterator[Pairs]:
    """All points that may be among the ``order`` nearest, with exact squared distances.

    ``limit`` (rows,) bounds the exact squared distance of the ``order``-th nearest allowed point from
    above; ``allowed`` (rows, classes) restricts the points by class. Every allowed point at or below
    that distance is in the result, perhaps with some beyond it.
    """

    def search(part: slice) -> Pairs:
        mask = None if allowed is None else allowed[part]
        row, position = _scan_single(queries, rows[part], points, limit[part], mask, exclude_self)
        if len(row) > 32 * len(rows[part]) * order + 1024:
            row, position = _scan_double(queries, rows[part], points, limit[part], order, mask, exclude_self)
        return ranked(queries, rows[part], points, row, position, part.start)

    # Without a copy in memory every search makes parts of one: one at a time.
    threads = torch.get_num_threads() if len(points.panels()) == 1 else 1
    together = int(max(threads, _PAIRS // max(1, points.n)))
    for begin in range(0, len(rows), together):
        parts = spans(begin, min(begin + together, len(rows)), threads)
        with full_float32():
            found = each(search, parts, points.device)
        yield from found


def neighbourhoods(
    queries: Points,
    rows: Int,
    points: Points,
    order: int,
    *,
    exclude_self: bool,
    progress: Progress | None = None,
) -> Iterator[Pairs]:
    """The ``order`` nearest points of every row, with all that tie with the last of them, and perhaps
    some beyond."""
    greatest = float(points.q_max.max(initial=0.0))
    for part, tile in distance_rows(queries, rows, points, exclude_self=exclude_self, progress=progress):
        q = queries.q[rows[part]]
        nearest = torch.topk(tile, order, dim=1, largest=False, sorted=False).values
        last = nearest.amax(1).cpu().numpy().astype(np.float64)
        limit = last + half_width(last, q, greatest, points.epsilon, points.alpha)
        upper = limit + half_width(limit, q, greatest, points.epsilon, points.alpha)
        bound = torch.from_numpy(np.nextafter(upper.astype(np.float32), np.float32(np.inf)))
        hit = tile <= bound.to(tile.device)[:, None]
        row, position = (index.cpu().numpy() for index in hit.nonzero(as_tuple=True))
        if len(row) > 32 * len(q) * order + 1024:
            row, position = _scan_double(queries, rows[part], points, limit, order, None, exclude_self)
        yield ranked(queries, rows[part], points, row, position, part.start)


def ranked(queries: Points, rows: Int, points: Points, row: Int, position: Int, offset: int) -> Pairs:
    """Evaluate pairs (indices into ``rows``, positions) exactly and sort them."""
    distance = _evaluate(queries, rows, points, row, position)
    ranked = np.lexsort((points.order[position], distance, row))
    return Pairs(row[ranked] + offset, position[ranked], distance[ranked])


def _class_jobs(points: Points, allowed: Bool | None, rows: int) -> Iterator[tuple[int, int, Int]]:
    """Ranges of positions, each with the rows that look there."""
    everything = np.arange(rows)
    if allowed is None:
        for start, stop in points.panels():
            for low, high in points.tiles(start, stop):
                yield low, high, everything
        return
    for k in range(points.classes):
        who = np.flatnonzero(allowed[:, k])
        if not len(who):
            continue
        for start, stop in points.panels():
            begin, end = max(start, int(points.starts[k])), min(stop, int(points.starts[k + 1]))
            for low, high in points.tiles(begin, end):
                yield low, high, who


def _scan_single(
    queries: Points, rows: Int, points: Points, high: Float, allowed: Bool | None, exclude_self: bool
) -> tuple[Int, Int]:
    """Pairs (row, position) that float32 can not place beyond ``high``."""
    bound = upper_single(queries, rows, points, high)
    found: list[tuple[Int, Int]] = []
    block: Block | None = None
    for begin, end, who in _class_jobs(points, allowed, len(rows)):
        if block is None or begin < block.start or end > block.stop:
            block = None
            block = points.load(*next(p for p in points.panels() if p[0] <= begin and end <= p[1]))
        right = block.rows(begin, end)
        for first in range(0, len(who), queries.tile()):
            chosen = who[first : first + queries.tile()]
            (tile,) = multiply(points, queries.pick(rows[chosen]), [right])
            hit = ~(tile > bound[torch.from_numpy(chosen).to(bound.device), None])  # NaN stays in
            row, column = (index.cpu().numpy() for index in hit.nonzero(as_tuple=True))
            found.append((chosen[row], column + begin))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    row = np.concatenate([pair[0] for pair in found])
    position = np.concatenate([pair[1] for pair in found])
    if exclude_self:
        keep = position != rows[row]
        row, position = row[keep], position[keep]
    return row, position


def upper_single(queries: Points, rows: Int, points: Points, high: Float) -> Tensor:
    """The computed value that no point with exact squared distance ``high`` or less exceeds."""
    greatest = float(points.q_max.max(initial=0.0))
    upper = high + half_width(high, queries.q[rows], greatest, points.epsilon, points.alpha)
    return torch.from_numpy(np.nextafter(upper.astype(np.float32), np.float32(np.inf))).to(points.device)


def double_rows(
    queries: Points, rows: Int, points: Points, exclude_self: bool
) -> Iterator[tuple[slice, Float, Float]]:
    """Squared distances (rows, n) by products in float64, with their half width per unit of ``half_width``.

    Yields a slice of ``rows``, the distances, and the squared norms of those rows.
    """
    step = int(max(1, min(_STAGE_BYTES // points.d, (64 << 20) // (8 * max(1, points.n)))))
    wide = max(1, _STAGE_BYTES // points.d)
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        left = queries.centred(queries.order[rows[part]])
        q_left = np.einsum("ij,ij->i", left, left)
        tile = np.empty((len(left), points.n))
        for start in range(0, points.n, wide):
            stop = min(start + wide, points.n)
            right = points.centred(points.order[start:stop])
            q_right = np.einsum("ij,ij->i", right, right)
            product = torch.from_numpy(left) @ torch.from_numpy(right).T
            tile[:, start:stop] = q_left[:, None] + q_right - 2 * product.numpy()
        if exclude_self:
            tile[np.arange(len(left)), rows[part]] = np.inf
        yield part, tile, q_left


def half_width_double(points: Points, distance: Float, q: Float) -> Float:
    """``half_width`` for the products of ``double_rows``."""
    epsilon = 3 * gamma(points.d + 8, 2.0**-53) + 32 * 2.0**-53
    greatest = float(points.q_max.max(initial=0.0))
    return half_width(distance, q, greatest, epsilon, (points.d + 8) * 2.0**-1000)


def _scan_double(
    queries: Points,
    rows: Int,
    points: Points,
    high: Float,
    order: int,
    allowed: Bool | None,
    exclude_self: bool,
) -> tuple[Int, Int]:
    """The same in float64, where float32 rules out too little (far clusters, many near ties)."""
    found_row, found_position = [], []
    for part, tile, q in double_rows(queries, rows, points, exclude_self):
        if allowed is not None:
            tile[~allowed[part][:, points.codes]] = np.inf
        last = np.partition(tile, order - 1, axis=1)[:, order - 1]
        limit = np.fmin(high[part], last + half_width_double(points, last, q))
        row, position = np.nonzero(tile <= (limit + half_width_double(points, limit, q))[:, None])
        found_row.append(row + part.start)
        found_position.append(position)
    return np.concatenate(found_row), np.concatenate(found_position)


def _evaluate(queries: Points, rows: Int, points: Points, row: Int, position: Int) -> Float:
    """Squared distances of pairs by differences in float64; equal rows are evaluated once."""
    if len(row) > 16 * len(rows) + 4096:
        names: dict[bytes, int] = {}
        left_rows, left_index = np.unique(row, return_inverse=True)
        right_rows, right_index = np.unique(position, return_inverse=True)
        left_group = _groups(queries, queries.order[rows[left_rows]], names)
        right_group = _groups(points, points.order[right_rows], names)
        key = left_group[left_index].astype(np.int64) * len(names) + right_group[right_index]
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        if len(first) < len(row):
            return _evaluate(queries, rows[row[first]], points, np.arange(len(first)), position[first])[back]
    distance = np.empty(len(row))
    step = max(1, (_STAGE_BYTES // 2) // (8 * points.d))
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        difference = queries.exact(queries.order[rows[row[part]]])
        difference -= points.exact(points.order[position[part]])
        np.square(difference, out=difference)
        distance[part] = difference.sum(axis=1)
    return distance


def _groups(points: Points, indices: Int, names: dict[bytes, int]) -> Int:
    """A number for every row, the same for equal rows."""
    groups = np.empty(len(indices), dtype=np.int64)
    step = points.source.block_rows()
    for start in range(0, len(indices), step):
        block = points.exact(indices[start : start + step]) + 0.0  # -0 becomes 0
        for offset, values in enumerate(block):
            digest = hashlib.blake2b(values, digest_size=16).digest()
            groups[start + offset] = names.setdefault(digest, len(names))
    return groups
