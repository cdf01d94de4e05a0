"""``netlab plugins``: what is installed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from netlab.cli.session import Session
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS


def build(session: Session) -> typer.Typer:
    """The subcommands."""
    app = typer.Typer(no_args_is_help=True)

    @app.callback()
    def plugins() -> None:
        """List and inspect the installed parts and the plugins that they come from."""

    @app.command("list")
    def list_parts(
        kind: Annotated[str | None, typer.Option("--kind", help="Only one kind: " + ", ".join(KINDS))] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """List every part by kind and name, and every plugin that is not in order."""
        if kind is not None and kind not in KINDS:
            raise UsageError(
                f"there is no kind '{kind}'.{closest(kind, KINDS) or ' Known: ' + ', '.join(KINDS)}"
            )
        rows = component_rows(session, kind)
        if as_json:
            print(json.dumps({"components": rows, "plugins": plugin_rows(session)}, indent=2))
        else:
            print_rows(rows, plugin_rows(session))

    return app


def component_rows(session: Session, kind: str | None) -> list[dict[str, object]]:
    """One row a component, in the order of kinds and names."""
    catalog = session.catalog
    return [
        {
            "kind": component.kind,
            "name": component.name,
            "summary": component.spec.summary,
            "distribution": component.plugin.distribution,
            "version": component.plugin.version,
            "builtin": component.plugin.builtin,
            "state": "clash" if catalog.clashes(component) else "ok",
        }
        for known in KINDS
        if kind in (None, known)
        for component in catalog.of_kind(known)
    ]


def plugin_rows(session: Session) -> list[dict[str, object]]:
    """One row a plugin, with what went wrong."""
    manager = session.catalog.manager
    return [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "builtin": plugin.builtin,
            "state": plugin.state,
            "failures": [
                str(failure)
                for failure in manager.failures
                if (failure.plugin, failure.distribution) == (plugin.name, plugin.distribution)
            ],
        }
        for plugin in manager.plugins
    ]


def print_rows(components: list[dict[str, object]], plugins: list[dict[str, object]]) -> None:
    """Both as tables."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("kind", "name", "summary", "from"):
        table.add_column(column, no_wrap=column in ("kind", "name"))
    for row in components:
        origin = "netlab" if row["builtin"] else f"{row['distribution']} {row['version']}"
        if row["state"] != "ok":
            origin += f" ({row['state']}: write {row['name']}@{row['distribution']})"
        table.add_row(str(row["kind"]), str(row["name"]), escape(str(row["summary"])), escape(origin))
    console.print(table)
    troubled = [row for row in plugins if row["state"] != "ok"]
    if troubled:
        console.print()
    for row in troubled:
        console.print(
            f"plugin '{row['name']}' ({row['distribution']} {row['version']}): {row['state']}", markup=False
        )
