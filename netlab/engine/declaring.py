"""Imports a plugin's module and asks it what it declares, in this process.

Whatever it raises (``SystemExit`` included) becomes a ``Problem``, and what it prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pluggy

from netlab import specs
from netlab.engine.declaration import (
    HOOK_NAMES,
    Declaration,
    Phase,
    Problem,
    checked_command,
    checked_kind,
    checked_settings,
    checked_spec,
    own_functions,
)
from netlab.errors import PluginError, closest, first_line

Implementations = Mapping[str, list[pluggy.HookImpl]]  # of a plugin, by the hook's name


def declared(point: metadata.EntryPoint) -> Declaration:
    """What the plugin behind an entry point declares."""
    began = time.perf_counter()
    found = Declaration()
    phase: Phase = "import"
    with contextlib.redirect_stdout(sys.stderr):
        try:
            module = point.load()
            found.import_seconds = time.perf_counter() - began
            phase = "register"
            hooks = implementations(module, point.value)
            found.summary = (module.__doc__ or "").strip().partition("\n")[0]
            found.hooks = tuple(sorted(hooks))
            found.kinds = collected(hooks, "netlab_kinds", checked_kind, "register", found.left_out)
            for implementation in hooks.get("netlab_settings", ()):
                found.settings = checked_settings(implementation.function())
            found.components = collected(hooks, "netlab_components", checked_spec, "register", found.left_out)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            found.import_seconds = time.perf_counter() - began if phase == "import" else found.import_seconds
            return Declaration(
                fatal=problem(phase, error), hooks=found.hooks, import_seconds=found.import_seconds
            )
        try:
            found.commands = collected(hooks, "netlab_commands", checked_command, "command", found.left_out)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            found.left_out.append(problem("command", error))
    return found


def collected(
    hooks: Implementations,
    hook: str,
    checked: Callable[[object], Any],
    phase: Phase,
    problems: list[Problem],
) -> list[Any]:
    """What a hook without arguments gives and is well-formed; the rest becomes ``problems``."""
    given: list[Any] = []
    for implementation in hooks.get(hook, ()):
        answer: Any = implementation.function()
        given += answer or ()
    found = []
    for item in given:
        try:
            found.append(checked(item))
        except PluginError as error:
            problems.append(problem(phase, error))
    return found


def implementations(module: Any, target: str) -> Implementations:
    """The hooks that a plugin's module implements.

    pluggy silently ignores a hook that is misspelled or lacks its marker; here it is an error, and so is a
    plugin that implements none.

    Raises:
        PluginError: saying which function is wrong.
        pluggy.PluginValidationError: a hook has an argument that there is not.
    """
    registry = hook_registry()
    try:
        registry.register(module)
        callers = registry.get_hookcallers(module) or []
        for caller in callers:
            if not caller.has_spec():
                raise PluginError(f"there is no hook '{caller.name}'.{closest(caller.name, HOOK_NAMES)}")
        marked = {caller.name for caller in callers}
        for name in own_functions(module):
            if name in HOOK_NAMES - marked:
                raise PluginError(
                    f"'{name}' lacks the decorator @hookimpl (from netlab.specs import hookimpl)"
                )
            if name not in HOOK_NAMES:
                raise PluginError(
                    f"there is no hook '{name}'.{closest(name, HOOK_NAMES)}"
                    " (names that begin with netlab_ are kept for hooks)"
                )
        if not marked:
            raise PluginError(
                f"'{target}' implements no hook: expected a module with functions such as"
                " netlab_components, decorated with @hookimpl"
            )
        return {
            caller.name: [impl for impl in caller.get_hookimpls() if impl.plugin is module]
            for caller in callers
        }
    finally:
        if registry.is_registered(module):
            registry.unregister(module)


@functools.cache
def hook_registry() -> pluggy.PluginManager:
    """pluggy's, which reads the hooks that a module implements and checks their arguments."""
    registry = HookRegistry("netlab")
    registry.add_hookspecs(specs)
    return registry


class HookRegistry(pluggy.PluginManager):
    """Looks for marks on the functions of a module only: searching all that it holds took the most time."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        if isinstance(plugin, ModuleType) and not isinstance(vars(plugin).get(name), FunctionType):
            return None
        return super().parse_hookimpl_opts(plugin, name)


def problem(phase: Phase, error: BaseException) -> Problem:
    """An exception as data."""
    return Problem(phase, first_line(error), traceback_text(error))


def traceback_text(error: BaseException) -> str:
    """The traceback from the first frame that is not the way to the plugin: the engine and importlib."""
    shown = traceback.TracebackException.from_exception(error)
    engine = str(Path(__file__).parent)
    for position, frame in enumerate(shown.stack):
        if not frame.filename.startswith(engine) and "importlib" not in frame.filename:
            del shown.stack[:position]
            return "".join(shown.format())
    return "".join(shown.format_exception_only())
