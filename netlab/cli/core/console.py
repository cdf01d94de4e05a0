"""The terminal: names that users chose are shown as they are, and paths are never cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from netlab.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text


def terminal(*, stderr: bool = False) -> Console:
    """A console on which text is data: nothing in it is markup, control characters are written out."""
    from rich.console import Console

    class Terminal(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})

        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):  # of what was made elsewhere, Text for one
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    return Terminal(stderr=stderr, highlight=False, markup=False, emoji=False)


def titled(title: object, rest: object = "") -> Text:
    """A line that begins with a title in bold."""
    from rich.text import Text

    return Text.assemble((visible(title), "bold"), visible(rest))


def say(console: Console, text: object, *, style: str = "") -> None:
    """A line that is not folded where a reader might copy a path."""
    console.print(str(text), soft_wrap=True, style=style)


def say_facts(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """What a command gives, ``label   value``; a value is never cut, however narrow the terminal."""
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    for label, value in listed:
        say(console, f"{label:{width}}  {value}")


def note(line: object) -> None:
    """What else there is to say, a line on standard error."""
    print(f"netlab: {visible(line)}", file=sys.stderr)


def warn(line: object) -> None:
    """One line on standard error."""
    note(f"warning: {line}")


def plain_table(*columns: str, right: Iterable[str] = (), **options: Any) -> Table:
    """A table without lines; the columns in ``right`` hold numbers."""
    from rich.table import Table

    table = Table(**{"box": None, "header_style": "bold", "pad_edge": False, **options})
    numbers = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table
