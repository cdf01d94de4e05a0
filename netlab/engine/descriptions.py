"""A part or a plugin in full, without importing the part: where it is, its contract, its failures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from netlab.engine.catalog import Catalog, Component
from netlab.engine.listing import check_kind, matching_parts, matching_plugins, plugin_row
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.engine.sources import source_file
from netlab.errors import NetlabError, PluginError, UsageError, closest, first_line
from netlab.specs import KindSpec, load_target

OptionsOf = Callable[[Component], list[dict[str, str]]]
SettingsOf = Callable[[Plugin], list[dict[str, str]]]


def describe(
    catalog: Catalog, text: str, kind: str | None = None, *, options_of: OptionsOf, settings_of: SettingsOf
) -> dict[str, list[dict[str, Any]]]:
    """The parts called ``text`` (``NAME``, ``NAME@DISTRIBUTION``, wildcards), else the plugins.

    ``options_of`` gives the options of a part in the words of those who will use them, ``settings_of`` the
    settings of a plugin's hooks.

    Raises:
        UsageError: there is no such kind, or nothing of that name (with the closest).
        PluginError: the protocol of a plugin's own kind can not be imported.
    """
    manager = catalog.manager
    check_kind(manager, kind)
    parts = matching_parts(catalog, text, kind)
    plugins = [] if kind in manager.kinds or parts else matching_plugins(manager, text)
    if not parts and not plugins:
        known = {component.name for component in catalog} | {plugin.name for plugin in manager.plugins}
        hint = closest(text, known) or " See netlab plugins list."
        raise UsageError(f"no part or plugin is called '{text}'.{hint}")
    return {
        "components": [describe_part(part, catalog, options_of) for part in parts],
        "plugins": [describe_plugin(plugin, manager, settings_of) for plugin in plugins],
    }


def describe_part(part: Component, catalog: Catalog, options_of: OptionsOf) -> dict[str, Any]:
    """Everything about a part that can be known without importing it: only its options are imported."""
    problem = None
    try:
        options = options_of(part)
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
        "contract": contract(catalog.manager.kinds[part.kind]),
        "target": part.spec.target,
        "source": source_file(part.spec.target),
        "options": options,
        "options_problem": problem,
        "also_offered_by": [other.plugin.distribution for other in catalog.clashes(part)],
        "failures": failures_of(part.plugin, catalog.manager),
    }


def describe_plugin(plugin: Plugin, manager: PluginManager, settings_of: SettingsOf) -> dict[str, Any]:
    """A plugin, with its parts, the settings of its hooks and the tracebacks of its failures."""
    settings, problem = [], None
    if plugin.works and plugin.settings is not None:
        try:
            settings = settings_of(plugin)
        except Exception as error:
            problem = first_line(error)
    return {
        **plugin_row(plugin, manager),
        "target": plugin.target,
        "components": [f"{spec.kind} {spec.name}" for spec in plugin.components],
        "settings": settings,
        "settings_problem": problem,
        "failures": failures_of(plugin, manager),
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


def failures_of(plugin: Plugin, manager: PluginManager) -> list[dict[str, str]]:
    """What went wrong with a plugin, tracebacks included."""
    return [
        {"phase": failure.phase, "message": str(failure), "traceback": failure.details}
        for failure in manager.failures_of(plugin)
    ]
