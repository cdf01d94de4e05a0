"""Which points are searched for the neighbours of which."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netlab.neighbours.dtypes import Float, Int
from netlab.neighbours.operands import SortedPoints


@dataclass(frozen=True, slots=True)
class Search:
    """Queries, and the points among which their neighbours are looked for.

    ``rows`` int (m,) are positions in ``queries``. With ``exclude_self`` the queries are of the points
    themselves, and no point is its own neighbour.
    """

    queries: SortedPoints
    rows: Int
    points: SortedPoints
    exclude_self: bool

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, chosen: slice | Int) -> Search:
        """Some of the queries: a slice of them, or their indices into ``rows``."""
        return replace(self, rows=self.rows[chosen])

    @property
    def codes(self) -> Int:
        """Class codes of the queries, int (m,)."""
        return self.queries.codes[self.rows]

    @property
    def squares(self) -> Float:
        """Squared norms of the queries, float (m,)."""
        return self.queries.squares[self.rows]

    def half_width(self, distance: Float) -> Float:
        """How far exact squared distances to any point may lie from computed ones, (m,) both."""
        return self.points.half_width(distance, self.squares)
