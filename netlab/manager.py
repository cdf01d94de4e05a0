"""Finds plugins by their entry points, blocks, checks and loads them, and keeps every failure.

One broken plugin never takes the tool down: whatever it raises (``SystemExit`` included) becomes a
``PluginFailure`` that says who failed, in which phase, and why. With ``strict`` it is raised.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

import pluggy

from netlab import specs
from netlab.errors import PluginError, closest, first_line
from netlab.specs import API_VERSION, ENTRY_POINT_GROUP, ComponentSpec

OWN_DISTRIBUTION = "netlab-vision"
GROUP_PATTERN = re.compile(r"netlab\.v(\d+)")
HOOK_NAMES = frozenset(name for name in vars(specs) if name.startswith("netlab_"))

Phase = Literal["metadata", "api", "import", "register", "options", "build", "event"]
State = Literal["ok", "blocked", "failed", "needs newer netlab", "needs older netlab"]


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """What went wrong with a plugin, in which phase. ``details`` is the traceback as text."""

    plugin: str
    distribution: str
    version: str
    phase: Phase
    error: BaseException
    details: str

    def __str__(self) -> str:
        who = f"plugin '{self.plugin}' ({self.distribution} {self.version})"
        return f"{who} failed at {self.phase}: {first_line(self.error)}"


@dataclass(slots=True)
class Plugin:
    """One entry point: who ships it, and how far it came."""

    name: str
    distribution: str
    version: str
    target: str
    state: State = "ok"
    module: Any = None
    components: list[ComponentSpec] = field(default_factory=list)

    @property
    def builtin(self) -> bool:
        return self.distribution == OWN_DISTRIBUTION


def canonical(distribution: str) -> str:
    """A distribution's name in the index's canonical form: ``My_Pkg`` and ``my-pkg`` are one."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def blocked_by_environment() -> frozenset[str]:
    """The plugins named in ``NETLAB_DISABLE_PLUGINS``, separated by commas."""
    names = os.environ.get("NETLAB_DISABLE_PLUGINS", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def installed_entry_points() -> Iterable[metadata.EntryPoint]:
    """The entry points of every version of the plugin API, by group and name."""
    points = metadata.entry_points()
    groups = sorted(group for group in points.groups if GROUP_PATTERN.fullmatch(group))
    found = [point for group in groups for point in points.select(group=group)]
    return sorted(found, key=lambda point: (point.group, point.name))


class PluginManager:
    """The plugins of this process.

    Args:
        blocked: entry-point or distribution names that are not to be imported.
        strict: raise the first failure instead of keeping it.
        autoload: when false, only netlab's own plugins are loaded.
        find: gives the entry points; tests replace it.
    """

    def __init__(
        self,
        *,
        blocked: Collection[str] = (),
        strict: bool = False,
        autoload: bool = True,
        find: Callable[[], Iterable[metadata.EntryPoint]] = installed_entry_points,
    ) -> None:
        self.blocked = frozenset(blocked)
        self.strict = strict
        self.autoload = autoload
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self._find = find
        self._pluggy = pluggy.PluginManager("netlab")
        self._pluggy.add_hookspecs(specs)

    @classmethod
    def from_environment(cls, blocked: Collection[str] = ()) -> PluginManager:
        """A loaded manager that follows ``NETLAB_DISABLE_PLUGINS``, ``NETLAB_PLUGIN_AUTOLOAD`` and
        ``NETLAB_STRICT_PLUGINS``."""
        manager = cls(
            blocked=frozenset(blocked) | blocked_by_environment(),
            strict=os.environ.get("NETLAB_STRICT_PLUGINS", "0") not in ("", "0"),
            autoload=os.environ.get("NETLAB_PLUGIN_AUTOLOAD", "1") != "0",
        )
        manager.load()
        return manager

    def load(self) -> None:
        """Import and register every plugin that is not blocked, and collect its components."""
        for point in self._find():
            plugin = self._describe(point)
            self.plugins.append(plugin)
            if self._is_blocked(plugin):
                plugin.state = "blocked"
                continue
            if point.group != ENTRY_POINT_GROUP:
                self._wrong_api(plugin, point.group)
                continue
            if self._import(plugin, point) and self._register(plugin):
                self._collect(plugin)

    def fail(self, plugin: Plugin, phase: Phase, error: BaseException) -> PluginFailure:
        """Keep a failure of ``plugin``; raise it in strict mode."""
        details = "".join(traceback.format_exception(error))
        failure = PluginFailure(plugin.name, plugin.distribution, plugin.version, phase, error, details)
        self.failures.append(failure)
        if self.strict:
            raise PluginError(f"{failure} (NETLAB_STRICT_PLUGINS is set)") from error
        return failure

    def call(self, hook: str, **arguments: Any) -> list[tuple[Plugin, Any]]:
        """Call a hook of every plugin that implements it, each on its own, and keep what they raise.

        Returns (plugin, result) in the order of the plugins' names.
        """
        results = []
        for plugin in self.plugins:
            try:
                for implementation in self._implementations(plugin, hook):
                    values = [arguments[name] for name in implementation.argnames]
                    results.append((plugin, implementation.function(*values)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.fail(plugin, "event", error)
        return results

    def _implementations(self, plugin: Plugin, hook: str) -> list[pluggy.HookImpl]:
        if plugin.module is None or plugin.state != "ok":
            return []
        caller = getattr(self._pluggy.hook, hook)
        return [impl for impl in caller.get_hookimpls() if impl.plugin is plugin.module]

    def _describe(self, point: metadata.EntryPoint) -> Plugin:
        distribution, version = "?", "?"
        if point.dist is not None:
            distribution = canonical(point.dist.name or "?")
            version = point.dist.version or "?"
        return Plugin(point.name, distribution, version, point.value)

    def _is_blocked(self, plugin: Plugin) -> bool:
        if not self.autoload and not plugin.builtin:
            return True
        return plugin.name in self.blocked or plugin.distribution in {canonical(b) for b in self.blocked}

    def _wrong_api(self, plugin: Plugin, group: str) -> None:
        number = int(group.removeprefix("netlab.v"))
        plugin.state = "needs newer netlab" if number > API_VERSION else "needs older netlab"
        error = PluginError(
            f"it is written for plugin API {number}; this netlab has {API_VERSION}"
            f" ({'upgrade netlab' if number > API_VERSION else 'ask its author for an update'})"
        )
        self.fail(plugin, "api", error)

    def _import(self, plugin: Plugin, point: metadata.EntryPoint) -> bool:
        try:
            plugin.module = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.state = "failed"
            self.fail(plugin, "import", error)
            return False
        return True

    def _register(self, plugin: Plugin) -> bool:
        try:
            self._pluggy.register(plugin.module, name=f"{plugin.name}@{plugin.distribution}")
            self._check_hook_names(plugin)
        except Exception as error:
            if self._pluggy.is_registered(plugin.module):
                self._pluggy.unregister(plugin.module)
            plugin.state = "failed"
            self.fail(plugin, "register", error)
            return False
        return True

    def _check_hook_names(self, plugin: Plugin) -> None:
        """A hook that is misspelled or lacks its marker would be silently ignored by pluggy."""
        for caller in self._pluggy.get_hookcallers(plugin.module) or []:
            if not caller.has_spec():
                raise PluginError(f"there is no hook '{caller.name}'.{closest(caller.name, HOOK_NAMES)}")
        for name in HOOK_NAMES & vars(plugin.module).keys() if hasattr(plugin.module, "__dict__") else ():
            function = getattr(plugin.module, name)
            if function is not getattr(specs, name) and not hasattr(function, "netlab_impl"):
                raise PluginError(
                    f"'{name}' lacks the decorator @hookimpl (from netlab.specs import hookimpl)"
                )

    def _collect(self, plugin: Plugin) -> None:
        try:
            for implementation in self._implementations(plugin, "netlab_components"):
                declared: Any = implementation.function()
                for spec in declared or ():
                    plugin.components.append(checked_spec(spec))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.state = "failed"
            plugin.components.clear()
            self.fail(plugin, "register", error)


def checked_spec(spec: object) -> ComponentSpec:
    """``spec`` itself, if it is a well-formed ``ComponentSpec``.

    Raises:
        PluginError: saying which field is wrong.
    """
    if not isinstance(spec, ComponentSpec):
        raise PluginError(f"netlab_components gave {spec!r:.80}, not a ComponentSpec")
    for name in ("kind", "name", "summary", "target"):
        value = getattr(spec, name)
        if not isinstance(value, str) or not value:
            raise PluginError(f"a component's {name} must be a non-empty text, not {value!r:.80}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", spec.name):
        raise PluginError(f"component name {spec.name!r} may hold only a-z, 0-9, '.', '_' and '-'")
    for target in (spec.target, spec.options):
        if target is not None:
            try:
                specs.split_target(target)
            except (ValueError, AttributeError) as error:
                raise PluginError(f"component '{spec.name}': {error}") from None
    return spec


def report_failures(failures: Iterable[PluginFailure], *, debug: bool = False) -> None:
    """One line a failure on standard error, with the traceback in debug mode."""
    for failure in failures:
        print(f"netlab: {failure}", file=sys.stderr)
        if debug:
            print(failure.details, file=sys.stderr)
