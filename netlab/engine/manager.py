"""Finds plugins by their entry points, blocks, checks and loads them, and keeps every failure.

One broken plugin never takes the tool down: whatever it raises (``SystemExit`` included) becomes a
``PluginFailure`` that says who failed, in which phase, and why. With ``strict`` it is raised.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

import pluggy

from netlab import __version__, specs
from netlab.engine.blocking import PluginKey, left_out
from netlab.engine.declaration import HOOK_NAMES, checked_kind, checked_spec, own_functions
from netlab.engine.distributions import (
    OWN_DISTRIBUTION,
    canonical,
    installed_entry_points,
    unmet_requirements,
)
from netlab.engine.plugin_settings import plugin_settings
from netlab.errors import PluginError, closest, first_line
from netlab.kinds import KINDS
from netlab.specs import API_VERSION, ENTRY_POINT_GROUP, ComponentSpec, KindSpec
from netlab.visible import visible

SLOW_IMPORT = 1.0  # seconds; a light plugin takes about a thousandth of it

Phase = Literal[
    "metadata", "api", "import", "register", "options", "build", "use", "result", "event", "command"
]
State = Literal[
    "ok", "in part", "blocked", "failed", "needs newer netlab", "needs older netlab", "needs another netlab"
]


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
    hooks: tuple[str, ...] = ()
    import_seconds: float = 0.0

    @property
    def key(self) -> PluginKey:
        return PluginKey(self.name, self.distribution)

    @property
    def builtin(self) -> bool:
        return self.distribution == OWN_DISTRIBUTION

    @property
    def works(self) -> bool:
        """Whether its hooks are called: something that it declared may have been left out."""
        return self.state in ("ok", "in part")


class PluginManager:
    """The plugins of this process.

    Args:
        blocked: the plugins that are not to be imported: ``NAME``, ``DISTRIBUTION``, ``NAME@DISTRIBUTION``.
        strict: raise the first failure instead of keeping it.
        autoload: when false, only netlab's own plugins are loaded.
        find: gives the entry points; by default those of the installed distributions.
    """

    def __init__(
        self,
        *,
        blocked: Collection[str] = (),
        strict: bool = False,
        autoload: bool = True,
        find: Callable[[], Iterable[metadata.EntryPoint]] | None = None,
    ) -> None:
        self.blocked = frozenset(blocked)
        self.strict = strict
        self.autoload = autoload
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self.kinds: dict[str, KindSpec] = dict(KINDS)  # and those that plugins define
        self._find = find
        self._metadata: dict[metadata.Distribution, metadata.PackageMetadata] = {}
        self._pluggy = pluggy.PluginManager("netlab")
        self._pluggy.add_hookspecs(specs)

    @classmethod
    def from_environment(cls, blocked: Collection[str] = ()) -> PluginManager:
        """A loaded manager that follows the environment and the TOML files, see ``plugin_settings``.

        Raises:
            UsageError: one of the files is wrong.
        """
        settings = plugin_settings(blocked)
        manager = cls(blocked=settings.disabled, strict=settings.strict, autoload=settings.autoload)
        manager.load()
        return manager

    def load(self) -> None:
        """Import and register every plugin that is not blocked, and collect its components.

        Raises:
            UsageError: a word of ``blocked`` fits plugins of several distributions.
        """
        unreadable: list[tuple[Plugin, Exception]] = []
        points = list(
            installed_entry_points(lambda *what: unreadable.append(self._unreadable(*what)))
            if self._find is None
            else self._find()
        )
        described = [self._describe(point) for point in points]
        self.plugins = [*(plugin for plugin, _ in unreadable), *described]
        left_out = self._left_out()
        for plugin in self.plugins:
            if plugin.key in left_out:
                plugin.state = "blocked"
        for plugin, error in unreadable:
            if plugin.state != "blocked":
                self.fail(plugin, "metadata", error)
        for plugin, point in zip(described, points, strict=True):
            if plugin.state == "blocked" or not self._is_for_this_netlab(plugin, point):
                continue
            if self._import(plugin, point):
                self._register(plugin)
        for plugin in self.plugins:
            self._collect_kinds(plugin)
        for plugin in self.plugins:
            self._collect(plugin)

    def fail(self, plugin: Plugin, phase: Phase, error: BaseException) -> PluginFailure:
        """Keep a failure of ``plugin``; raise it in strict mode."""
        details = traceback_text(error)
        failure = PluginFailure(plugin.name, plugin.distribution, plugin.version, phase, error, details)
        self.failures.append(failure)
        if self.strict:
            raise PluginError(f"{failure} (NETLAB_STRICT_PLUGINS is set)") from error
        return failure

    def failures_of(self, plugin: Plugin) -> list[PluginFailure]:
        """What went wrong with one plugin."""
        return [
            failure
            for failure in self.failures
            if (failure.plugin, failure.distribution) == (plugin.name, plugin.distribution)
        ]

    def call(self, hook: str, *, phase: Phase = "event", **arguments: Any) -> list[tuple[Plugin, Any]]:
        """Call a hook of every plugin that implements it, each on its own, and keep what they raise.

        Returns (plugin, result) in the order of the plugins' names; the result is None, or a list of
        what the hook returned or yielded.
        """
        results = []
        for plugin in self.plugins:
            try:
                for implementation in self._implementations(plugin, hook):
                    values = [arguments[name] for name in implementation.argnames]
                    result: Any = implementation.function(*values)
                    results.append((plugin, None if result is None else list(result)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.fail(plugin, phase, error)
        return results

    def _implementations(self, plugin: Plugin, hook: str) -> list[pluggy.HookImpl]:
        if plugin.module is None or not plugin.works:
            return []
        caller = getattr(self._pluggy.hook, hook)
        return [impl for impl in caller.get_hookimpls() if impl.plugin is plugin.module]

    def _describe(self, point: metadata.EntryPoint) -> Plugin:
        if point.dist is None:
            return Plugin(point.name, "?", "?", point.value)
        fields = self._fields(point.dist)
        distribution, version = canonical(fields["Name"] or "?"), fields["Version"] or "?"
        return Plugin(point.name, distribution, version, point.value)

    def _fields(self, distribution: metadata.Distribution) -> metadata.PackageMetadata:
        """A distribution's metadata, read once: the file is parsed as an e-mail at every look at it."""
        if distribution not in self._metadata:
            self._metadata[distribution] = distribution.metadata
        return self._metadata[distribution]

    def _unreadable(self, distribution: metadata.Distribution, error: Exception) -> tuple[Plugin, Exception]:
        """A distribution that can not be read as a failed plugin: perhaps it is none, but who knows."""
        where = getattr(distribution, "_path", None)  # no public attribute says where it is installed
        folder = "?" if where is None else where.name
        name, _, version = folder.partition(".dist-info")[0].partition("-")
        return Plugin(name, canonical(name), version or "?", str(where), state="failed"), error

    def _left_out(self) -> set[PluginKey]:
        keys = {plugin.key for plugin in self.plugins}
        foreign = {plugin.key for plugin in self.plugins if not plugin.builtin}
        return left_out(self.blocked, keys) | (set() if self.autoload else foreign)

    def _is_for_this_netlab(self, plugin: Plugin, point: metadata.EntryPoint) -> bool:
        """Whether its API and what it requires of netlab are met; if not, that is kept as its failure."""
        if point.group != ENTRY_POINT_GROUP:
            self._wrong_api(plugin, point.group)
            return False
        if point.dist is None or plugin.builtin:
            return True
        try:
            unmet = unmet_requirements(self._fields(point.dist).get_all("Requires-Dist") or ())
        except Exception as error:
            plugin.state = "failed"
            self.fail(plugin, "metadata", error)
            return False
        if unmet:
            plugin.state = "needs another netlab"
            unmet_error = PluginError(
                f"it requires {' and '.join(unmet)}, and this is {OWN_DISTRIBUTION} {__version__}"
                f" (install another version of {plugin.distribution}, or the netlab that it requires)"
            )
            self.fail(plugin, "metadata", unmet_error)
        return not unmet

    def _wrong_api(self, plugin: Plugin, group: str) -> None:
        number = int(group.removeprefix("netlab.v"))
        plugin.state = "needs newer netlab" if number > API_VERSION else "needs older netlab"
        error = PluginError(
            f"it is written for plugin API {number}; this netlab has {API_VERSION}"
            f" ({'upgrade netlab' if number > API_VERSION else 'ask its author for an update'})"
        )
        self.fail(plugin, "api", error)

    def _import(self, plugin: Plugin, point: metadata.EntryPoint) -> bool:
        began = time.perf_counter()
        try:
            plugin.module = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.state = "failed"
            self.fail(plugin, "import", error)
            return False
        finally:
            plugin.import_seconds = time.perf_counter() - began
        return True

    def _register(self, plugin: Plugin) -> None:
        try:
            self._pluggy.register(plugin.module, name=f"{plugin.name}@{plugin.distribution}")
            plugin.hooks = self._checked_hooks(plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._pluggy.is_registered(plugin.module):
                self._pluggy.unregister(plugin.module)
            plugin.state = "failed"
            self.fail(plugin, "register", error)

    def _checked_hooks(self, plugin: Plugin) -> tuple[str, ...]:
        """The hooks that the plugin implements.

        pluggy silently ignores a hook that is misspelled or lacks its marker; here it is an error, and
        so is a plugin that implements none.
        """
        callers = self._pluggy.get_hookcallers(plugin.module) or []
        for caller in callers:
            if not caller.has_spec():
                raise PluginError(f"there is no hook '{caller.name}'.{closest(caller.name, HOOK_NAMES)}")
        marked = {caller.name for caller in callers}
        for name in own_functions(plugin.module):
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
                f"'{plugin.target}' implements no hook: expected a module with functions such as"
                " netlab_components, decorated with @hookimpl"
            )
        return tuple(sorted(marked))

    def _declared(self, plugin: Plugin, hook: str) -> list[Any]:
        """What a plugin yields from a hook without arguments; one that raises is failed."""
        declared: list[Any] = []
        try:
            for implementation in self._implementations(plugin, hook):
                given: Any = implementation.function()
                declared += given or ()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.state = "failed"
            self.fail(plugin, "register", error)
            return []
        return declared

    def _collect_kinds(self, plugin: Plugin) -> None:
        for spec in self._declared(plugin, "netlab_kinds"):
            try:
                self.kinds[checked_kind(spec, self.kinds).name] = spec
            except PluginError as error:
                self.leave_out(plugin, "register", error)

    def _collect(self, plugin: Plugin) -> None:
        """Keep the components that are declared well; each other one is a failure of its own."""
        declared = self._declared(plugin, "netlab_components")
        for spec in declared:
            try:
                plugin.components.append(checked_spec(spec, self.kinds))
            except PluginError as error:
                self.leave_out(plugin, "register", error)
        names = [(spec.kind, spec.name) for spec in plugin.components]
        for kind, name in dict.fromkeys(names):
            if names.count((kind, name)) > 1:  # nobody can say which one is meant
                plugin.components = [s for s in plugin.components if (s.kind, s.name) != (kind, name)]
                self.leave_out(plugin, "register", PluginError(f"it declares {kind} '{name}' twice"))
        if declared and not plugin.components and plugin.hooks == ("netlab_components",):
            plugin.state = "failed"  # nothing of it is left

    def leave_out(self, plugin: Plugin, phase: Phase, error: BaseException) -> None:
        """Keep the failure of one thing that a plugin declared; the rest of the plugin works."""
        plugin.state = "in part"
        self.fail(plugin, phase, error)


def traceback_text(error: BaseException) -> str:
    """The traceback from the first frame that is not the way to the plugin: this module and importlib."""
    shown = traceback.TracebackException.from_exception(error)
    for position, frame in enumerate(shown.stack):
        if frame.filename != __file__ and "importlib" not in frame.filename:
            del shown.stack[:position]
            break
    return "".join(shown.format())


def report_failures(failures: Iterable[PluginFailure], *, debug: bool = False) -> None:
    """One line a failure on standard error, with the traceback in debug mode."""
    for failure in failures:
        print(f"netlab: {visible(failure)}", file=sys.stderr)
        if debug:
            print(failure.details, file=sys.stderr)


def report_slow_imports(plugins: Iterable[Plugin]) -> None:
    """One line on standard error for every plugin whose import every command has to wait for."""
    for plugin in plugins:
        if plugin.import_seconds > SLOW_IMPORT:
            print(
                f"netlab: plugin '{plugin.name}' ({plugin.distribution} {plugin.version}) took"
                f" {plugin.import_seconds:.1f} s to import: --no-plugin {plugin.name} skips it,"
                f" 'netlab plugins check {plugin.name}' says why",
                file=sys.stderr,
            )
