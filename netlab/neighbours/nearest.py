"""What a point's nearest neighbours say about its label, decided exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.neighbours.candidates import (
    Bool,
    Pairs,
    double_rows,
    half_width_double,
    neighbourhoods,
    ranked,
    smallest,
    upper_single,
)
from netlab.neighbours.operands import Float, Int, Points, half_width
from netlab.neighbours.tiles import Progress, distance_rows

_ROWS = 4096  # rows of the (rows, classes) temporaries


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest neighbour of every query point; ties are all points at exactly the least distance.

    ``own`` (m,) is the share of the tied nearest points that carry the query's label; ``any_own`` and
    ``all_own`` say whether one or all of them do; ``first`` is the class code of the one with the
    lowest index. ``confusion`` (classes, classes) counts queries of a class (row) by the class of their
    nearest neighbour (column), ties shared. ``decided_again`` is the number of queries that the float32
    products did not decide.
    """

    own: Float
    any_own: Bool
    all_own: Bool
    first: Int
    confusion: Float
    decided_again: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The ``order`` nearest neighbours of every query point, sorted by distance, then index.

    ``classes`` and ``indices`` int64 (m, order), ``squared_distances`` float64 (m, order). Of the points
    nearer than the last of them ``closer`` (m,) are all and ``closer_own`` those with the query's label;
    of the points at exactly its distance, inside the order or beyond it, ``tied`` and ``tied_own``.
    """

    classes: Int
    indices: Int
    squared_distances: Float
    closer: Int
    closer_own: Int
    tied: Int
    tied_own: Int


@dataclass(frozen=True, slots=True)
class Query:
    """Query points: positions in ``points``, and their class codes in the searched set."""

    points: Points
    rows: Int
    codes: Int
    exclude_self: bool


def _intervals(query: Query, points: Points, minima: NDArray[np.float32], part: slice) -> tuple[Float, Float]:
    """Lower and upper bounds of the exact least squared distance to each class: float64 (rows, classes)."""
    computed = minima[part].astype(np.float64)
    q = query.points.q[query.rows[part]][:, None]
    width = half_width(computed, q, points.q_max, points.epsilon, points.alpha)
    return computed - width, computed + width


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS)]


def nearest(query: Query, points: Points, minima: NDArray[np.float32]) -> Nearest:
    """Decide every query's nearest neighbour from the computed minima by class."""
    count, classes = minima.shape
    own = np.zeros(count)
    any_own, all_own = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    first = np.full(count, -1, dtype=np.int64)
    confusion = np.zeros((classes, classes))
    again = 0
    for part in _parts(count):
        low, high = _intervals(query, points, minima, part)
        limit = high.min(axis=1)
        possible = (low <= limit[:, None]) & np.isfinite(low)
        codes = query.codes[part]
        certain = np.flatnonzero(possible.sum(axis=1) == 1)
        winner = possible[certain].argmax(axis=1)
        first[part.start + certain] = winner
        hit = winner == codes[certain]
        for target in (own, any_own, all_own):
            target[part.start + certain] = hit
        _count(confusion, codes[certain], winner, np.ones(len(certain)))

        open_rows = np.flatnonzero(possible.sum(axis=1) > 1)
        again += len(open_rows)
        if not len(open_rows):
            continue
        for pairs in smallest(
            query.points, query.rows[part][open_rows], points, limit[open_rows],
            allowed=possible[open_rows], exclude_self=query.exclude_self,
        ):  # fmt: skip
            row, least, start = _rows_of(pairs)
            tie = pairs.distance == least[pairs.row - row[0]]
            tied_row, tied_class = pairs.row[tie], points.codes[pairs.position[tie]]
            total = np.bincount(tied_row, minlength=len(open_rows))[row]
            same = tied_class == codes[open_rows[tied_row]]
            ours = np.bincount(tied_row, weights=same, minlength=len(open_rows))[row]
            target_rows = part.start + open_rows[row]
            own[target_rows] = ours / total
            any_own[target_rows] = ours > 0
            all_own[target_rows] = ours == total
            first[target_rows] = points.codes[pairs.position[start]]
            weight = 1.0 / np.bincount(tied_row, minlength=len(open_rows))[tied_row]
            _count(confusion, codes[open_rows[tied_row]], tied_class, weight)
    return Nearest(own, any_own, all_own, first, confusion, again)


def _count(confusion: Float, truth: Int, found: Int, weight: Float) -> None:
    known = truth >= 0
    np.add.at(confusion, (truth[known], found[known]), weight[known])


def _rows_of(pairs: Pairs) -> tuple[Int, Float, Int]:
    """The rows in ``pairs`` (every one of a contiguous range), their least distances and first entries."""
    row, start = np.unique(pairs.row, return_index=True)
    return row, pairs.distance[start], start


def nearest_distances(query: Query, points: Points, minima: NDArray[np.float32]) -> tuple[Float, Float]:
    """Exact least squared distances to a point of the own and of another class; infinity if none."""
    count, classes = minima.shape
    own, other = np.full(count, np.inf), np.full(count, np.inf)
    for part in _parts(count):
        low, high = _intervals(query, points, minima, part)
        mine = query.codes[part][:, None] == np.arange(classes)
        for target, allowed in ((own, mine), (other, ~mine)):
            limit = np.where(allowed, high, np.inf).min(axis=1)
            possible = allowed & (low <= limit[:, None]) & np.isfinite(low)
            rows = np.flatnonzero(possible.any(axis=1))
            for pairs in smallest(
                query.points, query.rows[part][rows], points, limit[rows],
                allowed=possible[rows], exclude_self=query.exclude_self,
            ):  # fmt: skip
                row, least, _ = _rows_of(pairs)
                target[part.start + rows[row]] = least
    return own, other


def neighbours(query: Query, points: Points, order: int, progress: Progress | None = None) -> Neighbours:
    """The ``order`` nearest points of every query."""
    count = len(query.rows)

    def whole(*shape: int) -> Int:
        return np.zeros(shape, dtype=np.int64)

    result = Neighbours(
        classes=whole(count, order),
        indices=whole(count, order),
        squared_distances=np.zeros((count, order)),
        closer=whole(count),
        closer_own=whole(count),
        tied=whole(count),
        tied_own=whole(count),
    )
    for pairs in neighbourhoods(
        query.points, query.rows, points, order, exclude_self=query.exclude_self, progress=progress
    ):
        row, _, start = _rows_of(pairs)
        pick = start[:, None] + np.arange(order)
        position = pairs.position[pick]
        result.classes[row] = points.codes[position]
        result.indices[row] = points.order[position]
        result.squared_distances[row] = pairs.distance[pick]
        last = np.zeros(count)
        last[row] = pairs.distance[pick[:, -1]]
        same = points.codes[pairs.position] == query.codes[pairs.row]
        closer, tied = pairs.distance < last[pairs.row], pairs.distance == last[pairs.row]
        for target, mask in (
            (result.closer, closer),
            (result.closer_own, closer & same),
            (result.tied, tied),
            (result.tied_own, tied & same),
        ):
            target[row] = np.bincount(pairs.row[mask], minlength=count)[row]
    return result


def run_lengths(query: Query, points: Points, own: Float, other: Float) -> Float:
    """Signed length of the run of own-label (+) or other-label (-) neighbours, nearest first.

    ``own`` and ``other`` are the exact least squared distances. Where ``a`` points that would continue
    the run tie with ``b`` that would end it, it continues by a / (b + 1), the mean over the orders of
    the tied points; where the very nearest tie, the value is the mean of the signed lengths.
    """
    count = len(query.rows)
    end = np.maximum(own, other)  # the distance at which the run ends; infinity: never
    nearer = np.zeros((2, count), dtype=np.int64)  # of the own, of another class
    tied = np.zeros((2, count), dtype=np.int64)
    for part, tile in distance_rows(query.points, query.rows, points, exclude_self=query.exclude_self):
        rows, codes = query.rows[part], query.codes[part]
        below, band = _below_and_band(query, points, rows, end[part], tile)
        row, position = (index.cpu().numpy() for index in band.nonzero(as_tuple=True))
        if len(row) > 32 * len(rows) + 1024:
            below, row, position = _count_double(query, points, rows, end[part])
        same = torch.from_numpy(codes[:, None] == points.codes).to(below.device)
        nearer[0, part] = (below & same).sum(1).cpu().numpy()
        nearer[1, part] = (below & ~same).sum(1).cpu().numpy()
        pairs = ranked(query.points, rows, points, row, position, 0)
        side = (points.codes[pairs.position] != codes[pairs.row]).astype(np.int64)
        at = pairs.row + part.start
        np.add.at(nearer, (side, at), pairs.distance < end[at])
        np.add.at(tied, (side, at), pairs.distance == end[at])
    forward = nearer[0] + tied[0] / (tied[1] + 1)
    backward = nearer[1] + tied[1] / (tied[0] + 1)
    return np.where(own < other, forward, np.where(own > other, -backward, forward - backward))


def _below_and_band(
    query: Query, points: Points, rows: Int, end: Float, tile: Tensor
) -> tuple[Tensor, Tensor]:
    """Which points are surely nearer than ``end``, and which may be at about that distance."""
    finite = np.isfinite(end)
    greatest = float(points.q_max.max(initial=0.0))
    value = np.where(finite, end, 0.0)
    width = half_width(value, query.points.q[rows], greatest, points.epsilon, points.alpha)
    lower = np.nextafter((value - width).astype(np.float32), np.float32(-np.inf))
    lower = np.where(finite, lower, np.float32(np.inf))
    below = tile < torch.from_numpy(lower).to(tile.device)[:, None]
    upper = upper_single(query.points, rows, points, value)
    upper = torch.where(torch.from_numpy(finite).to(tile.device), upper, -torch.inf)
    return below, ~below & (tile <= upper[:, None])


def _count_double(query: Query, points: Points, rows: Int, end: Float) -> tuple[Tensor, Int, Int]:
    """The same from products in float64."""
    below = np.zeros((len(rows), points.n), dtype=bool)
    found_row, found_position = [], []
    for part, tile, q in double_rows(query.points, rows, points, query.exclude_self):
        finite = np.isfinite(end[part])
        value = np.where(finite, end[part], 0.0)
        width = half_width_double(points, value, q)
        below[part] = tile < np.where(finite, value - width, np.inf)[:, None]
        band = ~below[part] & (tile <= np.where(finite, value + width, -np.inf)[:, None])
        row, position = np.nonzero(band)
        found_row.append(row + part.start)
        found_position.append(position)
    return torch.from_numpy(below), np.concatenate(found_row), np.concatenate(found_position)
