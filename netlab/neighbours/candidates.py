"""Exact nearest neighbours: float32 products decide what they can, float64 differences the rest.

``class_minima`` gives, for every point and class, the computed squared distance to the nearest point
of that class. ``half_width`` bounds how far the exact one may lie. Where the intervals of two classes
overlap, ``candidates_within`` looks again at the points that may be nearest, and evaluates their distances as
``((x - y) ** 2).sum()`` in float64 on the original values. Two points are tied when these are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.dtypes import Bool, Float, Int
from netlab.neighbours.matmul import double_product, full_float32
from netlab.neighbours.operands import Operands, SortedPoints, gamma, half_width
from netlab.neighbours.parallel import each, even_slices
from netlab.neighbours.search import Search
from netlab.neighbours.tiles import ProgressCallback, distance_rows, multiply

_PAIRS = 1 << 23  # candidate pairs in memory at once
_STAGE_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class EvaluatedPairs:
    """Evaluated pairs of a few rows: row (index into the rows asked for), position, squared distance.

    Sorted by row, distance, original index of the point. All pairs of a row are in one ``EvaluatedPairs``.
    """

    row: Int
    position: Int
    distance: Float


def candidates_within(search: Search, limit: Float, allowed: Bool) -> Iterator[EvaluatedPairs]:
    """All points that may be the nearest, with exact squared distances.

    ``limit`` (m,) bounds the exact squared distance of the nearest allowed point from above;
    ``allowed`` (m, classes) restricts the points by class. Every allowed point at or below that
    distance is in the result, perhaps with some beyond it.
    """
    points = search.points

    def look(part: slice) -> EvaluatedPairs:
        some = search.part(part)
        row, position = _scan_single(some, limit[part], allowed[part])
        if len(row) > too_many(len(some), 1):
            row, position = _scan_double(some, limit[part], 1, allowed[part])
        return ranked(some, row, position, part.start)

    # Without a copy in memory every search makes parts of one: one at a time.
    threads = torch.get_num_threads() if len(points.panels()) == 1 else 1
    together = int(max(threads, _PAIRS // max(1, points.n)))
    for begin in range(0, len(search), together):
        parts = even_slices(begin, min(begin + together, len(search)), threads)
        with full_float32():
            found = each(look, parts, points.device)
        yield from found


def candidates_in_order(
    search: Search, order: int, progress: ProgressCallback | None = None
) -> Iterator[EvaluatedPairs]:
    """The ``order`` nearest points of every query, with all that tie with the last of them, and perhaps
    some beyond."""
    for part, tile in distance_rows(search, progress):
        some = search.part(part)
        nearest = torch.topk(tile, order, dim=1, largest=False, sorted=False).values
        last = nearest.amax(1).cpu().numpy().astype(np.float64)
        limit = last + some.half_width(last)
        hit = tile <= upper_single(some, limit)[:, None]
        row, position = (index.cpu().numpy() for index in hit.nonzero(as_tuple=True))
        if len(row) > too_many(len(some), order):
            row, position = _scan_double(some, limit, order, None)
        yield ranked(some, row, position, part.start)


def too_many(queries: int, order: int) -> int:
    """Candidates from which float64 products, which leave fewer, are the cheaper way."""
    return 32 * queries * order + 1024


def ranked(search: Search, row: Int, position: Int, offset: int) -> EvaluatedPairs:
    """Evaluate pairs (index of the query, position) exactly and sort them; rows are given ``offset``."""
    distance = _evaluate(search, row, position)
    ranked = np.lexsort((search.points.order[position], distance, row))
    return EvaluatedPairs(row[ranked] + offset, position[ranked], distance[ranked])


def _class_jobs(points: SortedPoints, allowed: Bool) -> Iterator[tuple[int, int, Int]]:
    """Ranges of positions, each with the queries that look there."""
    for k in range(points.classes):
        who = np.flatnonzero(allowed[:, k])
        if not len(who):
            continue
        for start, stop in points.panels():
            begin, end = max(start, int(points.starts[k])), min(stop, int(points.starts[k + 1]))
            for low, high in points.tiles(begin, end):
                yield low, high, who


def _scan_single(search: Search, limit: Float, allowed: Bool) -> tuple[Int, Int]:
    """Pairs (query, position) that float32 can not place beyond ``limit``."""
    queries, rows, points = search.queries, search.rows, search.points
    bound = upper_single(search, limit)
    found: list[tuple[Int, Int]] = []
    panel: Operands | None = None
    for begin, end, who in _class_jobs(points, allowed):
        if panel is None or begin < panel.start or end > panel.stop:
            panel = None
            panel = points.load(*next(p for p in points.panels() if p[0] <= begin and end <= p[1]))
        right = panel.rows(begin, end)
        for first in range(0, len(who), queries.tile()):
            chosen = who[first : first + queries.tile()]
            (tile,) = multiply(points, queries.pick(rows[chosen]), [right])
            hit = ~(tile > bound[torch.from_numpy(chosen).to(bound.device), None])  # NaN stays in
            row, column = (index.cpu().numpy() for index in hit.nonzero(as_tuple=True))
            found.append((chosen[row], column + begin))
    row = np.concatenate([pair[0] for pair in found])
    position = np.concatenate([pair[1] for pair in found])
    if search.exclude_self:
        keep = position != rows[row]
        row, position = row[keep], position[keep]
    return row, position


def upper_single(search: Search, limit: Float) -> Tensor:
    """The computed value that no point with exact squared distance ``limit`` or less exceeds."""
    upper = limit + search.half_width(limit)
    rounded = np.nextafter(upper.astype(np.float32), np.float32(np.inf))
    return torch.from_numpy(rounded).to(search.points.device)


def double_rows(search: Search) -> Iterator[tuple[slice, Float, Float]]:
    """Squared distances by products in float64, within ``half_width_double`` of the exact ones.

    Yields a slice of the queries, the distances (queries of the slice, n), and those queries' squared
    norms.
    """
    queries, rows, points = search.queries, search.rows, search.points
    step = int(max(1, min(_STAGE_BYTES // points.d, (64 << 20) // (8 * max(1, points.n)))))
    wide = max(1, _STAGE_BYTES // points.d)
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        left = queries.centred(queries.order[rows[part]])
        left_squares = np.einsum("ij,ij->i", left, left)
        tile = np.empty((len(left), points.n))
        for start in range(0, points.n, wide):
            stop = min(start + wide, points.n)
            right = points.centred(points.order[start:stop])
            right_squares = np.einsum("ij,ij->i", right, right)
            tile[:, start:stop] = left_squares[:, None] + right_squares - 2 * double_product(left, right)
        if search.exclude_self:
            tile[np.arange(len(left)), rows[part]] = np.inf
        yield part, tile, left_squares


def half_width_double(points: SortedPoints, distance: Float, squares: Float) -> Float:
    """``half_width`` for the products of ``double_rows``."""
    epsilon = 3 * gamma(points.d + 8, 2.0**-53) + 32 * 2.0**-53
    greatest = float(points.greatest.max(initial=0.0))
    return half_width(distance, squares, greatest, epsilon, (points.d + 8) * 2.0**-1000)


def _scan_double(search: Search, limit: Float, order: int, allowed: Bool | None) -> tuple[Int, Int]:
    """The same in float64, where float32 rules out too little (far clusters, many near ties)."""
    points = search.points
    found_row, found_position = [], []
    for part, tile, squares in double_rows(search):
        if allowed is not None:
            tile[~allowed[part][:, points.codes]] = np.inf
        last = np.partition(tile, order - 1, axis=1)[:, order - 1]
        nearer = np.fmin(limit[part], last + half_width_double(points, last, squares))
        bound = nearer + half_width_double(points, nearer, squares)
        row, position = np.nonzero(tile <= bound[:, None])
        found_row.append(row + part.start)
        found_position.append(position)
    return np.concatenate(found_row), np.concatenate(found_position)


def _evaluate(search: Search, row: Int, position: Int) -> Float:
    """Squared distances of pairs by differences in float64; equal rows are evaluated once."""
    queries, points = search.queries, search.points
    if len(row) > 16 * len(search) + 4096:
        names: dict[bytes, int] = {}
        left_rows, left_index = np.unique(row, return_inverse=True)
        right_rows, right_index = np.unique(position, return_inverse=True)
        left_group = _groups(queries, queries.order[search.rows[left_rows]], names)
        right_group = _groups(points, points.order[right_rows], names)
        key = left_group[left_index].astype(np.int64) * len(names) + right_group[right_index]
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        if len(first) < len(row):
            return _evaluate(search.part(row[first]), np.arange(len(first)), position[first])[back]
    distance = np.empty(len(row))
    step = max(1, (_STAGE_BYTES // 2) // (8 * points.d))
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        difference = queries.exact(queries.order[search.rows[row[part]]])
        difference -= points.exact(points.order[position[part]])
        np.square(difference, out=difference)
        distance[part] = difference.sum(axis=1)
    return distance


def _groups(points: SortedPoints, indices: Int, names: dict[bytes, int]) -> Int:
    """A number for every row, the same for equal rows."""
    groups = np.empty(len(indices), dtype=np.int64)
    step = points.matrix.block_rows()
    for start in range(0, len(indices), step):
        block = points.exact(indices[start : start + step]) + 0.0  # -0 becomes 0
        for offset, values in enumerate(block):
            digest = hashlib.blake2b(values, digest_size=16).digest()
            groups[start + offset] = names.setdefault(digest, len(names))
    return groups
