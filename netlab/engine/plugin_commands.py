"""The commands that plugins declare: what they are, before any is imported."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.errors import PluginError


@dataclass(frozen=True, slots=True)
class PluginCommand:
    """A command of a plugin; ``target`` is imported only when the command is called."""

    name: str
    help: str
    target: str
    plugin: Plugin


def plugin_commands(manager: PluginManager, reserved: Collection[str]) -> dict[str, list[PluginCommand]]:
    """The commands of all plugins by name, several where plugins clash.

    One with a name that is ``reserved`` is left out and kept as a failure of its plugin, whose other commands
    remain.
    """
    commands: dict[str, list[PluginCommand]] = {}
    for plugin in manager.plugins:
        for name, summary, target in plugin.commands if plugin.works else ():
            if name in reserved:
                error = PluginError(f"the command '{name}' is netlab's own: give yours another name")
                manager.leave_out(plugin, "command", error)
            else:
                commands.setdefault(name, []).append(PluginCommand(name, summary, target, plugin))
    return commands
