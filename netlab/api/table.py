"""Tables that show themselves: in a notebook as HTML, elsewhere as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, overload

SHOWN = 60  # rows; a table has more than a page of them only by mistake or in a program
Row = Mapping[str, Any]


class Table(Sequence[Row]):
    """Rows with the same columns.

    ``table[0]`` is a row, a mapping by column; ``table["accuracy"]`` a column, a list; iterating gives the
    rows. ``pandas.DataFrame(table.to_dict())`` makes a data frame of it.

    >>> table = netlab.Table([{"layer": "conv1", "si": 0.5}, {"layer": "conv2", "si": 0.75}])
    >>> table["si"]
    [0.5, 0.75]
    >>> table
    layer      si
    conv1  0.5000
    conv2  0.7500
    """

    columns: tuple[str, ...]
    rows: list[Row]
    caption: str

    def __init__(
        self, rows: Iterable[Row], columns: Sequence[str] | None = None, *, caption: str = ""
    ) -> None:
        """``columns`` are by default all that occur, in the order of their first row."""
        self.rows = [dict(row) for row in rows]
        names = dict.fromkeys(name for row in self.rows for name in row) if columns is None else columns
        self.columns = tuple(names)
        self.caption = caption

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Table: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> Row | Table | list[Any]:
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"there is no column {key!r}; there are {', '.join(self.columns)}")
            return [row.get(key) for row in self.rows]
        if isinstance(key, slice):
            return Table(self.rows[key], self.columns, caption=self.caption)
        return self.rows[key]

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns by name, each a list."""
        return {name: self[name] for name in self.columns}

    def __repr__(self) -> str:
        if not self.rows:
            return self.caption or f"no rows ({', '.join(self.columns)})"
        lines = [list(self.columns)]
        lines += [[cell_text(row.get(name)) for name in self.columns] for row in self.rows[:SHOWN]]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        right = self._right_aligned()
        texts = [
            "  ".join(
                cell.rjust(width) if name in right else cell.ljust(width)
                for name, cell, width in zip(self.columns, cells, widths, strict=True)
            ).rstrip()
            for cells in lines
        ]
        return "\n".join([*texts, *self._remarks()])

    def _repr_html_(self) -> str:
        right = self._right_aligned()

        def line(tag: str, cells: Sequence[str]) -> str:
            styled = (
                f'<{tag} style="text-align: {"right" if name in right else "left"}">{escape(cell)}</{tag}>'
                for name, cell in zip(self.columns, cells, strict=True)
            )
            return f"<tr>{''.join(styled)}</tr>"

        body = (line("td", [cell_text(row.get(name)) for name in self.columns]) for row in self.rows[:SHOWN])
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())
        return (
            f"<table><thead>{line('th', self.columns)}</thead><tbody>{''.join(body)}</tbody></table>{remarks}"
        )

    def _right_aligned(self) -> set[str]:
        """The columns of numbers."""
        return {
            name
            for name in self.columns
            if all(isinstance(row.get(name), int | float | None) for row in self.rows)
        }

    def _remarks(self) -> list[str]:
        more = [f"and {len(self.rows) - SHOWN:,} more rows"] if len(self.rows) > SHOWN else []
        return more + ([self.caption] if self.caption else [])


class ReadAsTable(Sequence[Row]):
    """What is read as the table that its ``to_table`` gives."""

    def to_table(self) -> Table:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Row]:
        return iter(self.to_table())

    def __getitem__(self, key: Any) -> Any:
        return self.to_table()[key]

    def __repr__(self) -> str:
        return repr(self.to_table())


def cell_text(value: Any) -> str:
    """A cell as text: four decimals of a fraction, an empty text for None, ``3x32x32`` for a shape."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return "x".join(map(str, value))
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value))
    return str(value)
