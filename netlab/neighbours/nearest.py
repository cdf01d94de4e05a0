"""What a point's nearest neighbours say about its label, decided exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netlab.neighbours.candidates import (
    EvaluatedPairs,
    candidates_in_order,
    candidates_within,
    double_rows,
    half_width_double,
    ranked,
    too_many,
    upper_single,
)
from netlab.neighbours.decision import Decisions, NearestDecision
from netlab.neighbours.dtypes import Float, Float32, Int
from netlab.neighbours.operands import half_width
from netlab.neighbours.search import Search
from netlab.neighbours.tiles import ProgressCallback, distance_rows

_ROWS = 4096  # rows of the (rows, classes) temporaries


@dataclass(frozen=True, slots=True)
class NeighboursInOrder:
    """The ``order`` nearest neighbours of every queries point, sorted by distance, then index.

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


def _intervals(search: Search, minima: Float32, part: slice) -> tuple[Float, Float]:
    """Lower and upper bounds of the exact least squared distance to each class: float64 (rows, classes)."""
    points = search.points
    computed = minima[part].astype(np.float64)
    squares = search.squares[part][:, None]
    width = half_width(computed, squares, points.greatest, points.epsilon, points.alpha)
    return computed - width, computed + width


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS)]


def nearest(search: Search, minima: Float32) -> NearestDecision:
    """Decide every queries's nearest neighbour from the computed minima by class."""
    points = search.points
    count, classes = minima.shape
    decisions = Decisions(count, classes)
    again = 0
    for part in _parts(count):
        low, high = _intervals(search, minima, part)
        limit = high.min(axis=1)
        possible = (low <= limit[:, None]) & np.isfinite(low)
        codes = search.codes[part]
        certain = np.flatnonzero(possible.sum(axis=1) == 1)
        winner = possible[certain].argmax(axis=1)
        decisions.record(part.start + certain, possible[certain], winner, codes[certain])

        unsure = np.flatnonzero(possible.sum(axis=1) > 1)
        again += len(unsure)
        if not len(unsure):
            continue
        for pairs in candidates_within(
            search.part(part).part(unsure), limit[unsure], allowed=possible[unsure]
        ):
            row, least, start = _rows_of(pairs)
            tie = pairs.distance == least[pairs.row - row[0]]
            tied = np.zeros((len(row), classes), dtype=np.int64)
            np.add.at(tied, (pairs.row[tie] - row[0], points.codes[pairs.position[tie]]), 1)
            first = points.codes[pairs.position[start]]
            decisions.record(part.start + unsure[row], tied, first, codes[unsure[row]])
    return decisions.result(again)


def _rows_of(pairs: EvaluatedPairs) -> tuple[Int, Float, Int]:
    """The rows in ``pairs`` (every one of a contiguous range), their least distances and first entries."""
    row, start = np.unique(pairs.row, return_index=True)
    return row, pairs.distance[start], start


def nearest_distances(search: Search, minima: Float32) -> tuple[Float, Float]:
    """Exact least squared distances to a point of the same and of another class; infinity if none."""
    count, classes = minima.shape
    own, other = np.full(count, np.inf), np.full(count, np.inf)
    for part in _parts(count):
        low, high = _intervals(search, minima, part)
        mine = search.codes[part][:, None] == np.arange(classes)
        for target, allowed in ((own, mine), (other, ~mine)):
            limit = np.where(allowed, high, np.inf).min(axis=1)
            possible = allowed & (low <= limit[:, None]) & np.isfinite(low)
            rows = np.flatnonzero(possible.any(axis=1))
            for pairs in candidates_within(search.part(part).part(rows), limit[rows], allowed=possible[rows]):
                row, least, _ = _rows_of(pairs)
                target[part.start + rows[row]] = least
    return own, other


def neighbours_in_order(
    search: Search, order: int, progress: ProgressCallback | None = None
) -> NeighboursInOrder:
    """The ``order`` nearest points of every query."""
    points, count = search.points, len(search)

    def whole(*shape: int) -> Int:
        return np.zeros(shape, dtype=np.int64)

    result = NeighboursInOrder(
        classes=whole(count, order),
        indices=whole(count, order),
        squared_distances=np.zeros((count, order)),
        closer=whole(count),
        closer_own=whole(count),
        tied=whole(count),
        tied_own=whole(count),
    )
    for pairs in candidates_in_order(search, order, progress):
        row, _, start = _rows_of(pairs)
        pick = start[:, None] + np.arange(order)
        position = pairs.position[pick]
        result.classes[row] = points.codes[position]
        result.indices[row] = points.order[position]
        result.squared_distances[row] = pairs.distance[pick]
        last = np.zeros(count)
        last[row] = pairs.distance[pick[:, -1]]
        same = points.codes[pairs.position] == search.codes[pairs.row]
        closer, tied = pairs.distance < last[pairs.row], pairs.distance == last[pairs.row]
        for target, mask in (
            (result.closer, closer),
            (result.closer_own, closer & same),
            (result.tied, tied),
            (result.tied_own, tied & same),
        ):
            target[row] = np.bincount(pairs.row[mask], minlength=count)[row]
    return result


def run_lengths(search: Search, own: Float, other: Float) -> Float:
    """Signed length of the run of neighbours with the same (+) or another (-) label, nearest first.

    ``own`` and ``other`` are the exact least squared distances. Where ``a`` points that would continue
    the run tie with ``b`` that would end it, it continues by a / (b + 1), the mean over the orders of
    the tied points; where the very nearest tie, the value is the mean of the signed lengths.
    """
    points, count = search.points, len(search)
    end = np.maximum(own, other)  # the distance at which the run ends; infinity: never
    nearer = np.zeros((2, count), dtype=np.int64)  # of the same, of another class
    tied = np.zeros((2, count), dtype=np.int64)
    for part, tile in distance_rows(search):
        some = search.part(part)
        codes = some.codes
        below, band = _below_and_band(some, end[part], tile)
        row, position = (index.cpu().numpy() for index in band.nonzero(as_tuple=True))
        if len(row) > too_many(len(some), 1):
            below, row, position = _below_and_band_double(some, end[part])
        same = torch.from_numpy(codes[:, None] == points.codes).to(below.device)
        nearer[0, part] = (below & same).sum(1).cpu().numpy()
        nearer[1, part] = (below & ~same).sum(1).cpu().numpy()
        pairs = ranked(some, row, position, 0)
        side = (points.codes[pairs.position] != codes[pairs.row]).astype(np.int64)
        at = pairs.row + part.start
        np.add.at(nearer, (side, at), pairs.distance < end[at])
        np.add.at(tied, (side, at), pairs.distance == end[at])
    forward = nearer[0] + tied[0] / (tied[1] + 1)
    backward = nearer[1] + tied[1] / (tied[0] + 1)
    return np.where(own < other, forward, np.where(own > other, -backward, forward - backward))


def _below_and_band(search: Search, end: Float, tile: Tensor) -> tuple[Tensor, Tensor]:
    """Which points are surely nearer than ``end``, and which may be at about that distance."""
    finite = np.isfinite(end)
    value = np.where(finite, end, 0.0)
    lower = np.nextafter((value - search.half_width(value)).astype(np.float32), np.float32(-np.inf))
    lower = np.where(finite, lower, np.float32(np.inf))
    below = tile < torch.from_numpy(lower).to(tile.device)[:, None]
    upper = upper_single(search, value)
    upper = torch.where(torch.from_numpy(finite).to(tile.device), upper, -torch.inf)
    return below, ~below & (tile <= upper[:, None])


def _below_and_band_double(search: Search, end: Float) -> tuple[Tensor, Int, Int]:
    """The same from products in float64; the band as pairs (query, position)."""
    points = search.points
    below = np.zeros((len(search), points.n), dtype=bool)
    found_row, found_position = [], []
    for part, tile, squares in double_rows(search):
        finite = np.isfinite(end[part])
        value = np.where(finite, end[part], 0.0)
        width = half_width_double(points, value, squares)
        below[part] = tile < np.where(finite, value - width, np.inf)[:, None]
        band = ~below[part] & (tile <= np.where(finite, value + width, -np.inf)[:, None])
        row, position = np.nonzero(band)
        found_row.append(row + part.start)
        found_position.append(position)
    return torch.from_numpy(below), np.concatenate(found_row), np.concatenate(found_position)
