"""``netlab runs list``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import note
from netlab.cli.core.options import DetectorsFolder, Json, RunsFolder
from netlab.cli.core.session import Session
from netlab.visible import visible

FIGURES = ("test_accuracy", "ap50")  # of a run, of a detector


class ListOptions(RunsFolder, DetectorsFolder, Json):
    where: str | None = Field(
        None,
        description="Only those of this condition: 'norm=bn and test_accuracy>.9', 'block.paths=4 or not"
        " state=finished'. Names: those that --json prints.",
    )


def build(session: Session) -> Callable[..., None]:
    """The command; it loads no plugin."""

    def list_runs(options: ListOptions) -> None:
        """List runs and detectors, oldest first: all, or those of a condition."""
        from netlab.runs.library import rows_of
        from netlab.runs.where import parse_where

        where = None if options.where is None else parse_where(options.where)
        rows = rows_of((options.runs, options.detectors), where)
        if options.as_json:
            print(json.dumps(rows, indent=2))
            return
        asked = [name for name in (where.names if where else ()) if name not in ("name", "state", *FIGURES)]
        print_rows(rows, asked)
        if not rows:
            what = "there is no run" if where is None else "no run is so"
            note(f"{what} in '{options.runs}' and no detector in '{options.detectors}'")

    return command(session, ListOptions, list_runs)


def print_rows(rows: Sequence[Mapping[str, Any]], asked: Sequence[str]) -> None:
    """A line a run: its name last, since it may be long. Columns that no row has are left out."""
    figures = [name for name in FIGURES if any(name in row for row in rows)]
    columns = ["state", *figures, *asked, "name"]
    lines = [[visible(shown(row.get(column))) for column in columns] for row in rows]
    if not lines:
        return
    lines.insert(0, [column.replace("_", " ") for column in columns])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    widths[-1] = 0
    for line in lines:
        sys.stdout.write(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        )


def shown(value: Any) -> str:
    """A value, short."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4f}" if isinstance(value, float) else str(value)
