"""``netlab plugins list``."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from netlab.cli.core.session import Session
from netlab.cli.plugins.app import HOOK_KINDS
from netlab.engine.manager import Plugin, PluginManager
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS

EVENTS = frozenset({"netlab_run_started", "netlab_epoch_finished", "netlab_run_finished"})
REPORT = "netlab_report_sections"


def check_kind(kind: str | None) -> None:
    """Refuse an unknown kind, with the closest."""
    kinds = (*KINDS, *HOOK_KINDS)
    if kind is not None and kind not in kinds:
        raise UsageError(f"there is no kind '{kind}'.{closest(kind, kinds) or ' Known: ' + ', '.join(kinds)}")


def list_plugins(session: Session, pattern: str, kind: str | None, *, as_json: bool) -> None:
    """Print the parts that match, and the plugins that are not in order."""
    check_kind(kind)
    rows = [
        row for row in part_rows(session) if kind in (None, row["kind"]) and fnmatchcase(row["name"], pattern)
    ]
    plugins = [plugin_row(plugin, session.catalog.manager) for plugin in session.catalog.manager.plugins]
    if as_json:
        print(json.dumps({"components": rows, "plugins": plugins}, indent=2))
        return
    if not rows and pattern != "*":
        names = [row["name"] for row in part_rows(session)]
        raise UsageError(f"no part is called '{pattern}'.{closest(pattern, names)}")
    print_rows(rows, plugins)


def part_rows(session: Session) -> list[dict[str, Any]]:
    """One row a component, in the order of kinds and names, then what plugins add by other hooks."""
    catalog = session.catalog
    rows = [
        {
            "kind": component.kind,
            "name": component.name,
            "summary": component.spec.summary,
            **origin(component.plugin),
            "state": "clash" if catalog.clashes(component) else "ok",
        }
        for kind in KINDS
        for component in catalog.of_kind(kind)
    ]
    return rows + hook_rows(catalog.manager)


def hook_rows(manager: PluginManager) -> list[dict[str, Any]]:
    """One row for every tracker, command and author of report sections."""
    from netlab.cli.app import COMMANDS
    from netlab.cli.core.plugin_commands import plugin_commands

    rows = []
    for plugin in manager.plugins:
        for kind, hooks in (("tracker", EVENTS), ("report", {REPORT})):
            if plugin.works and hooks.intersection(plugin.hooks):
                summary = (plugin.module.__doc__ or "").strip().partition("\n")[0]
                rows.append(
                    {"kind": kind, "name": plugin.name, "summary": summary, **origin(plugin), "state": "ok"}
                )
    for name, offered in plugin_commands(manager, {command.name for command in COMMANDS}).items():
        state = "ok" if len(offered) == 1 else "clash"
        for command in offered:
            rows.append(
                {
                    "kind": "command",
                    "name": name,
                    "summary": command.help,
                    **origin(command.plugin),
                    "state": state,
                }
            )
    return sorted(rows, key=lambda row: (HOOK_KINDS.index(row["kind"]), row["name"]))


def origin(plugin: Plugin) -> dict[str, Any]:
    """Who ships it."""
    return {"distribution": plugin.distribution, "version": plugin.version, "builtin": plugin.builtin}


def plugin_row(plugin: Plugin, manager: PluginManager) -> dict[str, Any]:
    """A plugin: how far it came, what it implements, and what went wrong."""
    return {
        "name": plugin.name,
        **origin(plugin),
        "state": plugin.state,
        "hooks": list(plugin.hooks),
        "import_seconds": round(plugin.import_seconds, 4),
        "failures": [str(failure) for failure in manager.failures_of(plugin)],
    }


def print_rows(parts: list[dict[str, Any]], plugins: list[dict[str, Any]]) -> None:
    """The parts under their kinds, then the plugins that are not in order.

    Where a part comes from stands behind its summary, unless it is built in.
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    longest = max((len(row["name"]) for row in parts), default=0)
    for kind in dict.fromkeys(row["kind"] for row in parts):
        console.print(kind, style="bold")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(min_width=longest, no_wrap=True)
        table.add_column()
        for row in (row for row in parts if row["kind"] == kind):
            summary = Text(row["summary"].replace("``", ""))
            if not row["builtin"] or row["state"] == "clash":
                summary.append(f" ({row['distribution']} {row['version']})", style="dim")
            if row["state"] == "clash":
                summary.append(f" clash: write {row['name']}@{row['distribution']}", style="yellow")
            table.add_row(row["name"], summary)
        console.print(Padding(table, (0, 0, 0, 2)))
    if parts:
        print_origin(console, parts)
    for row in plugins:
        if row["state"] != "ok":
            console.print(
                f"plugin '{row['name']}' ({row['distribution']} {row['version']}): {row['state']}"
                + ("" if row["state"] == "blocked" else f" (netlab plugins show {row['name']} says why)"),
                markup=False,
                style="yellow" if row["state"] == "blocked" else "red",
            )


def print_origin(console: Any, parts: list[dict[str, Any]]) -> None:
    """What is said of parts without a distribution behind them."""
    own = {f"{row['distribution']} {row['version']}" for row in parts if row["builtin"]}
    if own and not all(row["builtin"] for row in parts):
        console.print(f"Built in ({', '.join(own)}) where nothing else is said.", style="dim")
