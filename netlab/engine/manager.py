"""Finds plugins by their entry points, blocks, checks and loads them, and keeps every failure.

One broken plugin never takes the tool down: whatever it raises (``SystemExit`` included) becomes a
``PluginFailure`` that says who failed, in which phase, and why. With ``strict`` it is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from netlab.engine.asking import (
    Answer,
    Ask,
    AskOptions,
    in_this_process,
    unwatched_options,
    watched,
    watched_options,
)
from netlab.engine.blocking import PluginKey, left_out
from netlab.engine.compatibility import misfit
from netlab.engine.declaration import (
    Declaration,
    Phase,
    Problem,
    check_known_kind,
    check_new,
)
from netlab.engine.declaring import traceback_text
from netlab.engine.distributions import (
    OWN_DISTRIBUTION,
    canonical,
    fields_of,
    installed_entry_points,
    is_file,
)
from netlab.engine.file_plugins import file_points
from netlab.engine.plugin import Plugin, PluginFailure
from netlab.engine.plugin_settings import plugin_settings, tables_in_files
from netlab.errors import PluginError
from netlab.kinds import KINDS
from netlab.specs import KindSpec

if TYPE_CHECKING:
    from netlab.engine.hook_settings import Tables


class PluginManager:
    """The plugins of this process.

    Args:
        blocked: the plugins that are not to be imported: ``NAME``, ``DISTRIBUTION``, ``NAME@DISTRIBUTION``.
        strict: raise the first failure instead of keeping it.
        autoload: when false, only netlab's own plugins and the files are loaded.
        files: plugins of one file each (``netlab.engine.file_plugins``).
        given_settings: of plugins' hooks, those of ``--set`` (``netlab.engine.hook_settings``).
        filed_settings: likewise those of files, the closer ones later: the file's path and its tables.
        find: gives the entry points; by default those of the installed distributions.
        ask: gives what the plugins of one distribution declare; by default their modules are imported in
            this process, as those of netlab's own always are.
        ask_options: says why options of a plugin can not be imported, before they are; by default nothing.
    """

    def __init__(
        self,
        *,
        blocked: Collection[str] = (),
        strict: bool = False,
        autoload: bool = True,
        files: Sequence[str | Path] = (),
        given_settings: Tables = MappingProxyType({}),
        filed_settings: Sequence[tuple[str, Tables]] = (),
        find: Callable[[], Iterable[metadata.EntryPoint]] | None = None,
        ask: Ask = in_this_process,
        ask_options: AskOptions = unwatched_options,
    ) -> None:
        self.blocked = frozenset(blocked)
        self.strict = strict
        self.autoload = autoload
        self.files = tuple(str(Path(file).absolute()) for file in files)
        self.given_settings = given_settings
        self.filed_settings = filed_settings
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self.kinds: dict[str, KindSpec] = dict(KINDS)  # and those that plugins define
        self._find = find
        self._ask = ask
        self._ask_options = ask_options
        self._metadata: dict[metadata.Distribution, Message] = {}

    @classmethod
    def from_environment(
        cls,
        blocked: Collection[str] = (),
        files: Sequence[str | Path] = (),
        given_settings: Tables = MappingProxyType({}),
    ) -> PluginManager:
        """A loaded manager that follows the environment and the TOML files, see ``plugin_settings``.

        Other people's plugins are not imported before a hook or a part of them is used: what they declare
        is kept, and asked for in a process of its own (``netlab.engine.watching``).

        Raises:
            UsageError: one of the files is wrong.
        """
        settings = plugin_settings(blocked)
        manager = cls(
            blocked=settings.disabled,
            strict=settings.strict,
            autoload=settings.autoload,
            files=files,
            given_settings=given_settings,
            filed_settings=tables_in_files(),
            ask=watched,
            ask_options=watched_options,
        )
        manager.load()
        return manager

    def load(self) -> None:
        """Collect what every plugin that is not blocked declares.

        Raises:
            UsageError: a word of ``blocked`` fits plugins of several distributions, or a plugin file is not
                there.
        """
        unreadable: list[tuple[Plugin, Exception]] = []
        points = list(
            installed_entry_points(lambda *what: unreadable.append(self._unreadable(*what)))
            if self._find is None
            else self._find()
        )
        points += file_points(self.files)
        described = [self._describe(point) for point in points]
        self.plugins = [*(plugin for plugin, _ in unreadable), *described]
        left_out = self._left_out()
        for plugin in self.plugins:
            if plugin.key in left_out:
                plugin.state = "blocked"
        for plugin, error in unreadable:
            if plugin.state != "blocked":
                self.fail(plugin, "metadata", error)
        asked = [
            (plugin, point)
            for plugin, point in zip(described, points, strict=True)
            if plugin.state != "blocked" and self._is_for_this_netlab(plugin, point)
        ]
        declarations = self._declarations(asked)
        for plugin, declaration in declarations:
            for spec in declaration.kinds:
                try:
                    check_new(spec, self.kinds)
                except PluginError as error:
                    self.leave_out(plugin, "register", error)
                else:
                    self.kinds[spec.name] = spec
        for plugin, declaration in declarations:
            self._collect(plugin, declaration)

    def _declarations(
        self, asked: Sequence[tuple[Plugin, metadata.EntryPoint]]
    ) -> list[tuple[Plugin, Declaration]]:
        """What the plugins declare that can be used at all."""
        by_distribution: dict[str, list[tuple[Plugin, metadata.EntryPoint]]] = {}
        for plugin, point in asked:
            by_distribution.setdefault(plugin.distribution, []).append((plugin, point))
        answers: dict[PluginKey, Answer] = {}
        for name, ours in by_distribution.items():
            here = name in (OWN_DISTRIBUTION, "?")
            ask = in_this_process if here else self._ask
            found = ask([point for _, point in ours])
            answers |= {plugin.key: answer for (plugin, _), answer in zip(ours, found, strict=True)}
        usable = []
        for plugin, point in asked:
            declaration, plugin.waited = answers[plugin.key]
            plugin.point, plugin.summary, plugin.hooks = point, declaration.summary, declaration.hooks
            plugin.settings, plugin.import_seconds = declaration.settings, declaration.import_seconds
            if declaration.fatal is None:
                usable.append((plugin, declaration))
            else:
                plugin.state = "failed"
                self._keep(plugin, declaration.fatal)
        return usable

    def check_options(self, plugin: Plugin, target: str) -> None:
        """See that a plugin's module of options can be imported, before it is; if not, that is its failure.

        Raises:
            PluginError: it can not.
        """
        if (problem := self._ask_options(plugin, target)) is not None:
            self._keep(plugin, problem)
            raise PluginError(problem.message)

    def fail(self, plugin: Plugin, phase: Phase, error: BaseException) -> PluginFailure:
        """Keep a failure of ``plugin``; raise it in strict mode."""
        return self._failed(plugin, phase, error, traceback_text(error))

    def _keep(self, plugin: Plugin, problem: Problem) -> PluginFailure:
        return self._failed(plugin, problem.phase, PluginError(problem.message), problem.details)

    def _failed(self, plugin: Plugin, phase: Phase, error: BaseException, details: str) -> PluginFailure:
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

    def _describe(self, point: metadata.EntryPoint) -> Plugin:
        if point.dist is None:
            return Plugin(point.name, "?", "?", point.value)
        fields = self._fields(point.dist)
        distribution, version = canonical(fields["Name"] or "?"), fields["Version"] or "?"
        return Plugin(point.name, distribution, version, point.value)

    def _fields(self, distribution: metadata.Distribution) -> Message:
        """A distribution's metadata, read once: the file is parsed as an e-mail at every look at it."""
        if distribution not in self._metadata:
            self._metadata[distribution] = fields_of(distribution)
        return self._metadata[distribution]

    def _unreadable(self, distribution: metadata.Distribution, error: Exception) -> tuple[Plugin, Exception]:
        """A distribution that can not be read as a failed plugin: perhaps it is none, but who knows."""
        where = getattr(distribution, "_path", None)  # no public attribute says where it is installed
        folder = "?" if where is None else where.name
        name, _, version = folder.partition(".dist-info")[0].partition("-")
        return Plugin(name, canonical(name), version or "?", str(where), state="failed"), error

    def _left_out(self) -> set[PluginKey]:
        keys = {plugin.key for plugin in self.plugins}
        foreign = {
            plugin.key for plugin in self.plugins if not plugin.builtin and not is_file(plugin.distribution)
        }
        return left_out(self.blocked, keys) | (set() if self.autoload else foreign)

    def _is_for_this_netlab(self, plugin: Plugin, point: metadata.EntryPoint) -> bool:
        """Whether its API and what it requires of netlab are met; if not, that is kept as its failure."""
        required = self._fields(point.dist).get_all("Requires-Dist") or () if point.dist is not None else ()
        if (wrong := misfit(plugin, point, list(required))) is None:
            return True
        plugin.state, phase, error = wrong
        self.fail(plugin, phase, error)
        return False

    def _collect(self, plugin: Plugin, declaration: Declaration) -> None:
        """Keep the components that are declared well; each other one is a failure of its own."""
        plugin.commands = declaration.commands
        for problem in declaration.left_out:
            plugin.state = "in part"
            self._keep(plugin, problem)
        for spec in declaration.components:
            try:
                check_known_kind(spec, self.kinds)
            except PluginError as error:
                self.leave_out(plugin, "register", error)
            else:
                plugin.components.append(spec)
        names = [(spec.kind, spec.name) for spec in plugin.components]
        for kind, name in dict.fromkeys(names):
            if names.count((kind, name)) > 1:  # nobody can say which one is meant
                plugin.components = [s for s in plugin.components if (s.kind, s.name) != (kind, name)]
                self.leave_out(plugin, "register", PluginError(f"it declares {kind} '{name}' twice"))
        if plugin.state == "in part" and not plugin.components and plugin.hooks == ("netlab_components",):
            plugin.state = "failed"  # nothing of it is left

    def leave_out(self, plugin: Plugin, phase: Phase, error: BaseException) -> None:
        """Keep the failure of one thing that a plugin declared; the rest of the plugin works."""
        plugin.state = "in part"
        self.fail(plugin, phase, error)
