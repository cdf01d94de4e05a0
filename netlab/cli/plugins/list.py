"""``netlab plugins list``."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import Field

from netlab.cli.commands import NAMES
from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, terminal
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import Json
from netlab.cli.core.session import Session
from netlab.cli.plugins.names import OneKind, complete_kind, part_completion
from netlab.engine.listing import check_kind, part_rows, plugin_row
from netlab.errors import UsageError, closest
from netlab.visible import visible


class ListOptions(OneKind, Json):
    pattern: Annotated[str, Argument("[NAME]")] = Field(
        "*", description="Only these names; * and ? are wildcards.", json_schema_extra={"shown_default": ""}
    )


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def list_parts(options: ListOptions) -> None:
        """List every part by kind and name, and every plugin that is not in order."""
        check_kind(session.manager, options.kind)
        every = part_rows(session.catalog, NAMES)
        rows = [
            row
            for row in every
            if options.kind in (None, row["kind"]) and fnmatchcase(row["name"], options.pattern)
        ]
        manager = session.catalog.manager
        plugins = [plugin_row(plugin, manager) for plugin in manager.plugins]
        if options.as_json:
            print(json.dumps({"components": rows, "plugins": plugins}, indent=2))
            return
        if not rows and options.pattern != "*":
            hint = closest(options.pattern, [row["name"] for row in every])
            raise UsageError(f"no part is called '{options.pattern}'.{hint}")
        print_rows(rows, plugins)

    completions = {"pattern": part_completion(session), "kind": complete_kind}
    return command(session, ListOptions, list_parts, completions=completions, only_shows=lambda options: True)


def print_rows(parts: list[dict[str, Any]], plugins: list[dict[str, Any]]) -> None:
    """The parts under their kinds, then the plugins that are not in order.

    Where a part comes from stands behind its summary, unless it is built in.
    """
    from rich.padding import Padding
    from rich.text import Text

    console = terminal()
    longest = max((len(row["name"]) for row in parts), default=0)
    for kind in dict.fromkeys(row["kind"] for row in parts):
        console.print(kind, style="bold")
        table = plain_table("", "", show_header=False)
        table.columns[0].min_width, table.columns[0].no_wrap = longest, True
        for row in (row for row in parts if row["kind"] == kind):
            summary = Text(visible(row["summary"].replace("``", "")))
            if not row["builtin"] or row["state"] == "clash":
                summary.append(f" ({row['distribution']} {row['version']})", style="dim")
            if row["state"] == "clash":
                summary.append(f" clash: write {row['name']}@{row['distribution']}", style="yellow")
            table.add_row(str(row["name"]), summary)
        console.print(Padding(table, (0, 0, 0, 2)))
    if parts:
        print_origin(console, parts)
    for row in plugins:
        if row["state"] != "ok":
            console.print(
                f"plugin '{row['name']}' ({row['distribution']} {row['version']}): {row['state']}"
                + ("" if row["state"] == "blocked" else f" (netlab plugins show {row['name']} says why)"),
                style="yellow" if row["state"] == "blocked" else "red",
            )


def print_origin(console: Any, parts: list[dict[str, Any]]) -> None:
    """What the list shows for parts without a distribution behind them."""
    own = {f"{row['distribution']} {row['version']}" for row in parts if row["builtin"]}
    if own and not all(row["builtin"] for row in parts):
        console.print(f"Built in ({', '.join(own)}) where nothing else is said.", style="dim")
