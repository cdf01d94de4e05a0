"""Calls the hooks by which plugins are told of runs and add to reports."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from netlab.engine.declaring import implementations
from netlab.engine.hook_settings import HookSettings, hook_settings
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin


def call_hooks(
    manager: PluginManager, hook: str, *, settings: HookSettings | None = None, **arguments: Any
) -> list[tuple[Plugin, Any]]:
    """Call a hook of every plugin that implements it, each on its own, and keep what they raise.

    ``settings`` are those of all plugins, of which each is given its own; by default what the manager's files
    and ``--set`` say.

    Returns (plugin, result) in the order of the plugins' names; the result is None, or a list of what the
    hook returned or yielded.

    Raises:
        UsageError: the settings do not fit.
    """
    known = hook_settings(manager) if settings is None else settings
    results = []
    for plugin in manager.plugins:
        own = {**arguments, "settings": known.of(plugin)}
        try:
            for implementation in implemented(plugin, hook):
                values = [own[name] for name in implementation.argnames]
                result: Any = implementation.function(*values)
                results.append((plugin, None if result is None else list(result)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            manager.fail(plugin, "event", error)
    return results


def implemented(plugin: Plugin, hook: str) -> Sequence[Any]:
    """A plugin's implementations of a hook; its module is imported with the first one that is called."""
    if not plugin.works or hook not in plugin.hooks or plugin.point is None:
        return ()
    if plugin.module is None:
        with contextlib.redirect_stdout(sys.stderr):
            plugin.module = plugin.point.load()
    return implementations(plugin.module, plugin.target).get(hook, ())
