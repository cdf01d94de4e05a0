"""``netlab data show``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, say, say_facts, terminal
from netlab.cli.core.flags import Argument, Shown
from netlab.cli.core.options import Json
from netlab.cli.core.session import Session
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from netlab.data.inspection import Inspection

SHOWN = 5  # files of each kind of problem


class DataShowOptions(Json):
    source: Annotated[Path, Argument("SOURCE")] = Field(
        description="A folder with a subfolder a class, or a CSV or Parquet list of paths and labels."
    )
    sheet: Annotated[Path | None, Shown(metavar="FILE.png")] = Field(
        None, description="Write some images of every class as one picture."
    )


def build(session: Session) -> Callable[..., None]:
    """The command; the source is read as the data set 'folder' reads it."""

    def show(options: DataShowOptions) -> None:
        """Show labelled images before anything is trained: counts, sizes, copies, what can not be read.

        The exit code is 1 where an image can not be read.
        """
        from netlab.data.contact_sheet import write_contact_sheet
        from netlab.data.inspection import files_of, inspect

        files = files_of(session.catalog, options.source)
        found = inspect(files)
        if options.sheet is not None:
            write_contact_sheet(options.sheet, files)
        if options.as_json:
            print(json.dumps(found.as_dict(), indent=2))
        else:
            print_inspection(terminal(), found)
            if options.sheet is not None:
                print(f"contact sheet: {options.sheet}")
        if found.unread:
            raise NetlabError(f"images that can not be read: {len(found.unread)}")

    return command(session, DataShowOptions, show)


def print_inspection(console: Any, found: Inspection) -> None:
    """Counts of every class and part, then sizes, then what a user should look at."""
    parts = tuple(found.counts)
    table = plain_table("class", *parts, right=parts)
    for name in found.class_names:
        table.add_row(name, *(f"{found.counts[part][name]:,}" for part in parts))
    console.print(table)
    console.print()
    (least, middle, most) = found.sizes
    facts = [
        ("images", f"{sum(sum(counts.values()) for counts in found.counts.values()):,}"),
        ("sizes", f"{shape(least)} to {shape(most)}, half below {shape(middle)}"),
        ("formats", ", ".join(f"{count:,} {name}" for name, count in found.formats.items())),
    ]
    say_facts(console, facts)
    for line in found.problems:
        say(console, line)
    for path, other in found.other_class[:SHOWN]:
        say(console, f"one image in two classes: {path} is {other}")
    for title, pairs in (("copies", found.copies), ("near copies", found.near)):
        for path, other in pairs[:SHOWN]:
            say(console, f"{title}: {path} is {other}")
        if len(pairs) > SHOWN:
            say(console, f"{title}: and {len(pairs) - SHOWN:,} more")
    for problem in found.unread[:SHOWN]:
        say(console, f"not read: {problem}")


def shape(size: tuple[int, int]) -> str:
    """``640x480``, width and height."""
    return f"{size[0]}x{size[1]}"
