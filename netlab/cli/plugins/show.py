"""``netlab plugins show``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, terminal, titled
from netlab.cli.core.flags import Argument, Flag, component_flags, help_text
from netlab.cli.core.options import Json
from netlab.cli.core.session import Session
from netlab.cli.plugins.names import OneKind, complete_kind, part_completion
from netlab.engine.catalog import Component
from netlab.engine.descriptions import describe
from netlab.engine.hook_settings import settings_model
from netlab.engine.option_errors import expected_of
from netlab.engine.plugin import Plugin

if TYPE_CHECKING:
    from rich.console import Console


class ShowOptions(OneKind, Json):
    name: Annotated[str, Argument("NAME")] = Field(
        description="A part (NAME or NAME@DISTRIBUTION), a plugin or a distribution; * and ? are wildcards."
    )


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def show(options: ShowOptions) -> None:
        """Show a part: contract, options, source and who else offers it; or a plugin and its failures."""
        described = describe(
            session.catalog, options.name, options.kind, options_of=option_rows, settings_of=setting_rows
        )
        if options.as_json:
            print(json.dumps(described, indent=2, default=str))
        else:
            print_pages(described)

    completions = {"name": part_completion(session), "kind": complete_kind}
    return command(session, ShowOptions, show, completions=completions)


def option_rows(part: Component) -> list[dict[str, str]]:
    """The options of a part as flags; those of a metric bear its own name: a command measures several."""
    flags = component_flags(part, part.name if part.kind == "metric" else None)
    return [
        {"name": flag.option, "flag": flag.canonical, "type": type_name(flag), "help": flag.help}
        for flag in flags
    ]


def setting_rows(plugin: Plugin) -> list[dict[str, str]]:
    """The settings of a plugin's hooks as ``--set`` takes them."""
    fields = settings_model(str(plugin.settings)).model_fields
    return [
        {
            "name": name, "flag": f"--set {plugin.name}.{name}=", "type": expected_of(field),
            "help": help_text(field),
        }
        for name, field in fields.items()
    ]  # fmt: skip


def type_name(flag: Flag) -> str:
    """The type of an option, as people write it."""
    annotation = flag.annotation
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def print_pages(described: Mapping[str, list[dict[str, Any]]]) -> None:
    """A page each, with a line between two."""
    console = terminal()
    pages: list[Callable[[], None]] = [
        *(partial(print_part, console, facts) for facts in described["components"]),
        *(partial(print_plugin, console, facts) for facts in described["plugins"]),
    ]
    for position, page in enumerate(pages):
        if position:
            console.print()
        page()


def print_part(console: Console, facts: dict[str, Any]) -> None:
    """A component as a page."""
    console.print(titled(f"{facts['kind']} {facts['name']}", f": {facts['summary']}"))
    built_in = ", built in" if facts["builtin"] else ""
    lines = [
        ("from", f"{facts['distribution']} {facts['version']}, plugin '{facts['plugin']}'{built_in}"),
        ("also from", ", ".join(facts["also_offered_by"])),
        ("reference", facts["reference"]),
        ("tags", ", ".join(facts["tags"])),
        ("source", facts["source"] or f"{facts['target']} (not found)"),
        ("problem", facts["options_problem"] or ""),
    ]
    table = plain_table("", "", show_header=False)
    table.columns[0].style = "bold"
    for key, value in lines:
        if value:
            table.add_row(key, str(value))
    console.print(table)
    if facts["also_offered_by"]:
        console.print(f"Write '{facts['name']}@{facts['distribution']}' to choose this one.")
    print_options(console, "options", facts["options"])
    console.print(titled("\ncontract"))
    for paragraph in facts["contract"].split("\n\n"):
        # The docstring is wider than many terminals: its lines are filled anew.
        console.print(" ".join(paragraph.split()))
    print_failures(console, facts["failures"])


def print_plugin(console: Console, facts: dict[str, Any]) -> None:
    """A plugin as a page."""
    console.print(
        f"plugin '{facts['name']}' ({facts['distribution']} {facts['version']}): {facts['state']}",
    )
    console.print(f"entry point: {facts['target']}")
    if facts["hooks"]:
        console.print(f"hooks: {', '.join(facts['hooks'])}")
    if facts["components"]:
        console.print(f"parts: {', '.join(facts['components'])}")
    if facts["settings_problem"]:
        console.print(f"settings: {facts['settings_problem']}")
    print_options(console, "settings", facts["settings"])
    print_failures(console, facts["failures"])


def print_options(console: Console, title: str, rows: list[dict[str, str]]) -> None:
    """A table of what can be given."""
    if rows:
        console.print(titled(f"\n{title}"))
        table = plain_table("", "", show_header=False)
        table.columns[0].no_wrap = True
        for row in rows:
            table.add_row(row["flag"], row["help"])
        console.print(table)


def print_failures(console: Console, failures: list[dict[str, str]]) -> None:
    """Every failure with its traceback."""
    for failure in failures:
        console.print(f"\n{failure['message']}", style="red")
        if "\n" in failure["traceback"].strip():
            console.print(failure["traceback"], end="", soft_wrap=True)
