"""Commands that plugins add: ``netlab NAME``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from netlab.engine.manager import Plugin, PluginManager
from netlab.errors import NetlabError, PluginError, UsageError, first_line
from netlab.specs import load_target, split_target


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


def load_command(offered: list[PluginCommand], manager: PluginManager) -> Callable[..., None]:
    """The function of a command; what it raises becomes one line that names the plugin.

    Raises:
        UsageError: several plugins offer it.
        PluginError: it can not be imported.
    """
    if len(offered) > 1:
        names = " and ".join(f"'{command.plugin.name}'" for command in offered)
        raise UsageError(
            f"several plugins offer the command '{offered[0].name}': {names} (block one: --no-plugin)"
        )
    (command,) = offered
    who = f"command '{command.name}' of {command.plugin.distribution} {command.plugin.version}"
    try:
        function: Any = load_target(command.target)
        if not callable(function):
            raise TypeError(f"'{command.target}' is not a function")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        manager.fail(command.plugin, "command", error)
        raise PluginError(f"{who} can not be loaded: {first_line(error)}") from error

    @functools.wraps(function)
    def guarded(*arguments: Any, **keywords: Any) -> None:
        try:
            function(*arguments, **keywords)
        except (NetlabError, OSError):
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("typer", "click"):
                raise  # Typer's own way to leave a command or to complain about its use
            manager.fail(command.plugin, "command", error)
            raise PluginError(f"{who} failed: {first_line(error)}") from error

    return guarded
