"""What the nearest point, or the nearest class mean, of every query says about the query's label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netlab.neighbours.dtypes import Bool, Float, Int


@dataclass(frozen=True, slots=True)
class NearestDecision:
    """The nearest point (or class mean) of each of m queries; ties are all at exactly the least distance.

    ``own`` float (m,) in [0, 1] is the share of the tied nearest ones that have the query's label;
    ``any_own`` and ``all_own`` bool (m,) say whether one or all of them have it; ``first`` int (m,) is the
    class code of the one with the lowest index, -1 where there is none. ``confusion`` float (classes,
    classes) counts queries by their class (row) and the class of their nearest (column), ties shared.
    ``decided_again`` is the number of queries that float32 products did not decide.
    """

    own: Float
    any_own: Bool
    all_own: Bool
    first: Int
    confusion: Float
    decided_again: int


class Decisions:
    """Decisions as they are made, a few queries at a time."""

    def __init__(self, queries: int, classes: int) -> None:
        self._own = np.zeros(queries)
        self._any = np.zeros(queries, dtype=bool)
        self._all = np.zeros(queries, dtype=bool)
        self._first = np.full(queries, -1, dtype=np.int64)
        self._confusion = np.zeros((classes, classes))

    def record(self, rows: Int, tied: Int | Bool, first: Int, codes: Int) -> None:
        """Decide queries ``rows``, of classes ``codes``; ``tied`` (rows, classes) counts their nearest."""
        total = np.maximum(tied.sum(axis=1), 1)
        own = tied[np.arange(len(rows)), codes]
        self._own[rows] = own / total
        self._any[rows] = own > 0
        self._all[rows] = own == total
        self._first[rows] = first
        row, found = np.nonzero(tied)
        np.add.at(self._confusion, (codes[row], found), tied[row, found] / total[row])

    def result(self, decided_again: int) -> NearestDecision:
        """All decisions."""
        return NearestDecision(self._own, self._any, self._all, self._first, self._confusion, decided_again)
