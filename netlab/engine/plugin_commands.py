"""The commands that plugins declare: what they are, before any is imported."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from netlab.engine.manager import Plugin, PluginManager
from netlab.errors import PluginError
from netlab.specs import split_target


@dataclass(frozen=True, slots=True)
class PluginCommand:
    """A command of a plugin; ``target`` is imported only when the command is called."""

    name: str
    help: str
    target: str
    plugin: Plugin


def plugin_commands(manager: PluginManager, reserved: Collection[str]) -> dict[str, list[PluginCommand]]:
    """The commands of all plugins by name, several where plugins clash.

    What is not a command, or has one of the ``reserved`` names, is left out and kept as a failure of its
    plugin, whose other commands remain.
    """
    commands: dict[str, list[PluginCommand]] = {}
    for plugin, declared in manager.call("netlab_commands", phase="command"):
        for item in declared or ():
            try:
                found = checked_command(item, plugin, reserved)
            except (PluginError, ValueError) as error:
                manager.leave_out(plugin, "command", error)
            else:
                commands.setdefault(found.name, []).append(found)
    return commands


def checked_command(declared: Any, plugin: Plugin, reserved: Collection[str]) -> PluginCommand:
    """What a plugin yielded from ``netlab_commands``, if it is well-formed.

    Raises:
        PluginError, ValueError: saying what is wrong with it.
    """
    if not (
        isinstance(declared, tuple) and len(declared) == 3 and all(isinstance(text, str) for text in declared)
    ):
        raise PluginError(f"netlab_commands gave {declared!r:.80}, not (name, help, 'module:function')")
    name, summary, target = declared
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise PluginError(f"command name {name!r} may hold only a-z, 0-9 and '-'")
    if name in reserved:
        raise PluginError(f"the command '{name}' is netlab's own: give yours another name")
    split_target(target)
    return PluginCommand(name, summary, target, plugin)
