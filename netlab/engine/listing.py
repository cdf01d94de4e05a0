"""What is installed, as rows: every part, what plugins add by other hooks, and every plugin."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

from netlab.engine.catalog import Catalog, Component
from netlab.engine.distributions import canonical
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.engine.plugin_commands import plugin_commands
from netlab.errors import UsageError, closest

HOOK_KINDS = ("tracker", "command", "report")  # what a plugin may add beside components
EVENTS = frozenset({"netlab_run_started", "netlab_epoch_finished", "netlab_run_finished"})
REPORT = "netlab_report_sections"


def check_kind(manager: PluginManager, kind: str | None) -> None:
    """Refuse an unknown kind, with the closest."""
    kinds = (*manager.kinds, *HOOK_KINDS)
    if kind is not None and kind not in kinds:
        raise UsageError(f"there is no kind '{kind}'.{closest(kind, kinds) or ' Known: ' + ', '.join(kinds)}")


def part_rows(catalog: Catalog, reserved: Collection[str] = ()) -> list[dict[str, Any]]:
    """One row a component, in the order of kinds and names, then what plugins add by other hooks.

    ``reserved`` are names that no plugin's command may have.
    """
    rows = [
        {
            "kind": component.kind,
            "name": component.name,
            "summary": component.spec.summary,
            **origin(component.plugin),
            "state": "clash" if catalog.clashes(component) else "ok",
        }
        for kind in catalog.manager.kinds
        for component in catalog.of_kind(kind)
    ]
    return rows + hook_rows(catalog.manager, reserved)


def hook_rows(manager: PluginManager, reserved: Collection[str] = ()) -> list[dict[str, Any]]:
    """One row for every tracker, command and author of report sections."""
    rows = []
    for plugin in manager.plugins:
        for kind, hooks in (("tracker", EVENTS), ("report", {REPORT})):
            if plugin.works and hooks.intersection(plugin.hooks):
                row = {"kind": kind, "name": plugin.name, "summary": plugin.summary}
                rows.append({**row, **origin(plugin), "state": "ok"})
    for name, offered in plugin_commands(manager, reserved).items():
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


def matching_parts(catalog: Catalog, text: str, kind: str | None = None) -> list[Component]:
    """The components called ``NAME``, ``NAME:VARIANT`` or ``NAME@DISTRIBUTION``, in the order of kinds."""
    name, _, distribution = text.partition("@")
    name = name.partition(":")[0]
    return [
        component
        for known in catalog.manager.kinds
        for component in catalog.of_kind(known)
        if kind in (None, known)
        and fnmatchcase(component.name, name)
        and (not distribution or component.plugin.distribution == canonical(distribution))
    ]


def matching_plugins(manager: PluginManager, text: str) -> list[Plugin]:
    """The plugins with this entry point or distribution."""
    return [
        plugin
        for plugin in manager.plugins
        if fnmatchcase(plugin.name, text) or fnmatchcase(plugin.distribution, canonical(text))
    ]
