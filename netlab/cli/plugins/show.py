"""``netlab plugins show``."""

from __future__ import annotations

import importlib.util
import inspect
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from netlab.cli.core.flags import Flag, component_flags
from netlab.cli.core.session import Session
from netlab.cli.plugins.list import check_kind, plugin_row
from netlab.engine.catalog import Component
from netlab.engine.distributions import canonical
from netlab.engine.manager import Plugin
from netlab.errors import NetlabError, UsageError, closest, first_line
from netlab.kinds import KINDS

if TYPE_CHECKING:
    from rich.console import Console


def show_plugins(session: Session, name: str, kind: str | None, *, as_json: bool) -> None:
    """Print every part and plugin that matches.

    Raises:
        UsageError: nothing matches (with the closest names).
    """
    check_kind(kind)
    parts = matching_parts(session, name, kind)
    plugins = [] if kind in KINDS or parts else matching_plugins(session, name)
    if not parts and not plugins:
        known = {component.name for component in session.catalog}
        known |= {plugin.name for plugin in session.catalog.manager.plugins}
        raise UsageError(
            f"no part or plugin is called '{name}'.{closest(name, known) or ' See netlab plugins list.'}"
        )
    if as_json:
        described = {
            "components": [part_facts(session, part) for part in parts],
            "plugins": [plugin_facts(session, plugin) for plugin in plugins],
        }
        print(json.dumps(described, indent=2, default=str))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for position, part in enumerate(parts):
        if position:
            console.print()
        print_part(console, part_facts(session, part))
    for position, plugin in enumerate(plugins):
        if position:
            console.print()
        print_plugin(console, plugin_facts(session, plugin))


def matching_parts(session: Session, text: str, kind: str | None) -> list[Component]:
    """The components called ``NAME``, ``NAME:VARIANT`` or ``NAME@DISTRIBUTION``, in the order of kinds."""
    name, _, distribution = text.partition("@")
    name = name.partition(":")[0]
    return [
        component
        for known in KINDS
        for component in session.catalog.of_kind(known)
        if kind in (None, known)
        and fnmatchcase(component.name, name)
        and (not distribution or component.plugin.distribution == canonical(distribution))
    ]


def matching_plugins(session: Session, text: str) -> list[Plugin]:
    """The plugins with this entry point or distribution."""
    return [
        plugin
        for plugin in session.catalog.manager.plugins
        if fnmatchcase(plugin.name, text) or fnmatchcase(plugin.distribution, canonical(text))
    ]


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
        "contract": contract(part.kind),
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


def contract(kind: str) -> str:
    """How a component of the kind is called and what it gives: its protocol, from ``netlab.kinds``."""
    module = importlib.import_module(f"netlab.kinds.{kind}")
    protocol = getattr(module, kind.capitalize())
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
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold]{facts['kind']} {facts['name']}[/]: {escape(facts['summary'])}")
    built_in = ", built in" if facts["builtin"] else ""
    lines = [
        ("from", f"{facts['distribution']} {facts['version']}, plugin '{facts['plugin']}'{built_in}"),
        ("also from", ", ".join(facts["also_offered_by"])),
        ("reference", facts["reference"]),
        ("tags", ", ".join(facts["tags"])),
        ("source", facts["source"] or f"{facts['target']} (not found)"),
        ("problem", facts["options_problem"] or ""),
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, value in lines:
        if value:
            table.add_row(key, escape(value))
    console.print(table)
    if facts["also_offered_by"]:
        console.print(f"Write '{facts['name']}@{facts['distribution']}' to choose this one.", markup=False)
    if facts["options"]:
        console.print("\n[bold]options[/]")
        options = Table(box=None, show_header=False, pad_edge=False)
        options.add_column(no_wrap=True)
        options.add_column()
        for option in facts["options"]:
            options.add_row(option["flag"], escape(option["help"]))
        console.print(options)
    console.print("\n[bold]contract[/]")
    for paragraph in facts["contract"].split("\n\n"):
        # The docstring is wider than many terminals: its lines are filled anew.
        console.print(" ".join(paragraph.split()), markup=False)
    print_failures(console, facts["failures"])


def print_plugin(console: Console, facts: dict[str, Any]) -> None:
    """A plugin as a page."""
    console.print(
        f"plugin '{facts['name']}' ({facts['distribution']} {facts['version']}): {facts['state']}",
        markup=False,
    )
    console.print(f"entry point: {facts['target']}", markup=False)
    if facts["hooks"]:
        console.print(f"hooks: {', '.join(facts['hooks'])}", markup=False)
    if facts["components"]:
        console.print(f"parts: {', '.join(facts['components'])}", markup=False)
    print_failures(console, facts["failures"])


def print_failures(console: Console, failures: list[dict[str, str]]) -> None:
    """Every failure with its traceback."""
    for failure in failures:
        console.print(f"\n{failure['message']}", markup=False, style="red")
        if "Traceback" in failure["traceback"]:
            console.print(failure["traceback"], markup=False, end="", soft_wrap=True)
