"""A plugin's command, ``netlab NAME``, called: whatever it raises becomes one line that names the plugin."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from netlab.engine.manager import PluginManager
from netlab.engine.plugin_commands import PluginCommand
from netlab.errors import NetlabError, PluginError, UsageError, first_line
from netlab.specs import load_target


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
