"""``netlab plugins show``."""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, terminal, titled
from netlab.cli.core.flags import Argument, Flag, component_flags
from netlab.cli.core.options import Json
from netlab.cli.core.session import Session
from netlab.cli.plugins.names import OneKind, complete_kind, part_completion
from netlab.engine.catalog import Component
from netlab.engine.listing import check_kind, matching_parts, matching_plugins, plugin_row
from netlab.engine.manager import Plugin
from netlab.errors import NetlabError, PluginError, UsageError, closest, first_line
from netlab.specs import KindSpec, load_target

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
        check_kind(session.manager, options.kind)
        catalog = session.catalog
        parts = matching_parts(catalog, options.name, options.kind)
        plugins = (
            []
            if options.kind in session.manager.kinds or parts
            else matching_plugins(catalog.manager, options.name)
        )
        if not parts and not plugins:
            known = {component.name for component in catalog}
            known |= {plugin.name for plugin in catalog.manager.plugins}
            hint = closest(options.name, known) or " See netlab plugins list."
            raise UsageError(f"no part or plugin is called '{options.name}'.{hint}")
        if options.as_json:
            described = {
                "components": [part_facts(session, part) for part in parts],
                "plugins": [plugin_facts(session, plugin) for plugin in plugins],
            }
            print(json.dumps(described, indent=2, default=str))
        else:
            print_pages(session, parts, plugins)

    completions = {"name": part_completion(session), "kind": complete_kind}
    return command(session, ShowOptions, show, completions=completions)


def print_pages(session: Session, parts: list[Component], plugins: list[Plugin]) -> None:
    """A page each, with a line between two."""

    console = terminal()
    pages: list[Callable[[], None]] = [
        *(partial(print_part, console, part_facts(session, part)) for part in parts),
        *(partial(print_plugin, console, plugin_facts(session, plugin)) for plugin in plugins),
    ]
    for position, page in enumerate(pages):
        if position:
            console.print()
        page()


def part_facts(session: Session, part: Component) -> dict[str, Any]:
    """Everything about a component that can be known without importing it: its options are imported."""
    try:
        # The flags of a metric bear its own name: a command measures several.
        options: list[Flag] = component_flags(part, part.name if part.kind == "metric" else None)
        problem = None
    except NetlabError as error:
        options, problem = [], first_line(error)
    return {
        "kind": part.kind,
        "name": part.name,
        "summary": part.spec.summary,
        "plugin": part.plugin.name,
        "distribution": part.plugin.distribution,
        "version": part.plugin.version,
        "builtin": part.plugin.builtin,
        "reference": part.spec.reference,
        "tags": sorted(part.spec.tags),
        "contract": contract(session.manager.kinds[part.kind]),
        "target": part.spec.target,
        "source": source_file(part.spec.target),
        "options": [
            {"name": flag.option, "flag": flag.canonical, "type": type_name(flag), "help": flag.help}
            for flag in options
        ],
        "options_problem": problem,
        "also_offered_by": [other.plugin.distribution for other in session.catalog.clashes(part)],
        "failures": failures_of(session, part.plugin),
    }


def contract(kind: KindSpec) -> str:
    """How a component of the kind is called and what it gives: its protocol.

    Raises:
        PluginError: the protocol of a plugin's own kind can not be imported.
    """
    try:
        protocol = load_target(kind.contract)
    except Exception as error:
        problem = f"the contract of kind '{kind.name}' can not be loaded: {first_line(error)}"
        raise PluginError(problem) from error
    signature = inspect.signature(protocol.__call__)
    parameters = [p for name, p in signature.parameters.items() if name != "self"]
    text = inspect.getdoc(protocol.__call__) or ""
    shown = str(signature.replace(parameters=parameters)).replace("'", "")
    return f"{shown}\n\n{text.replace('``', chr(39))}"


def source_file(target: str) -> str | None:
    """The file of a component's module, found without importing the module itself."""
    module = target.partition(":")[0]
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if found is None else found.origin


def type_name(flag: Flag) -> str:
    """The type of an option, as people write it."""
    annotation = flag.annotation
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def failures_of(session: Session, plugin: Plugin) -> list[dict[str, str]]:
    """What went wrong with a plugin, tracebacks included."""
    return [
        {"phase": failure.phase, "message": str(failure), "traceback": failure.details}
        for failure in session.catalog.manager.failures_of(plugin)
    ]


def plugin_facts(session: Session, plugin: Plugin) -> dict[str, Any]:
    """A plugin, with its parts and the tracebacks of its failures."""
    return {
        **plugin_row(plugin, session.catalog.manager),
        "target": plugin.target,
        "components": [f"{spec.kind} {spec.name}" for spec in plugin.components],
        "failures": failures_of(session, plugin),
    }


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
    if facts["options"]:
        console.print(titled("\noptions"))
        options = plain_table("", "", show_header=False)
        options.columns[0].no_wrap = True
        for option in facts["options"]:
            options.add_row(option["flag"], str(option["help"]))
        console.print(options)
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
    print_failures(console, facts["failures"])


def print_failures(console: Console, failures: list[dict[str, str]]) -> None:
    """Every failure with its traceback."""
    for failure in failures:
        console.print(f"\n{failure['message']}", style="red")
        if "\n" in failure["traceback"].strip():
            console.print(failure["traceback"], end="", soft_wrap=True)
