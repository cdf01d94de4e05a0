"""The terminal: names that users chose are shown as they are, and paths are never cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def literal(value: object) -> str:
    """A name, path or message where rich reads markup: ``[cat]`` and ``[/cat]`` stay themselves."""
    from rich.markup import escape

    return escape(str(value))


def say(console: Console, text: object, *, style: str = "") -> None:
    """A line as it is: no markup in it is read, and it is not folded where a reader might copy a path."""
    console.print(str(text), markup=False, highlight=False, soft_wrap=True, style=style)


def say_facts(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """What a command gives, ``label   value``; a value is never cut, however narrow the terminal."""
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    for label, value in listed:
        say(console, f"{label:{width}}  {value}")


def note(line: object) -> None:
    """What else there is to say, a line on standard error."""
    print(f"netlab: {line}", file=sys.stderr)


def warn(line: object) -> None:
    """One line on standard error."""
    print(f"netlab: warning: {line}", file=sys.stderr)


def plain_table(*columns: str, right: Iterable[str] = (), **options: Any) -> Table:
    """A table without lines; the columns in ``right`` hold numbers."""
    from rich.table import Table

    table = Table(**{"box": None, "header_style": "bold", "pad_edge": False, **options})
    numbers = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table
