"""The check of a plugin in six stages, from its metadata to the conformance of its parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from netlab.engine.catalog import Catalog, Component
from netlab.engine.distributions import is_file
from netlab.engine.listing import matching_parts, matching_plugins
from netlab.engine.manager import PluginManager
from netlab.engine.option_types import flag_type
from netlab.engine.plugin import SLOW_IMPORT, Plugin
from netlab.engine.plugin_commands import PluginCommand, plugin_commands
from netlab.errors import PluginError, UsageError, closest, first_line
from netlab.specs import load_target
from netlab.testing.package_folder import package_plugins

NOT_LIGHT = "a file holds its parts, and imports what they need"
Result = Literal["ok", "failed", "skipped", "expected"]
STAGES = ("metadata", "light import", "API", "resolve", "options", "conformance")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of a stage, for a plugin or for one of its parts; ``expected`` is a failure that is known."""

    plugin: str
    part: str
    stage: str
    result: Result
    detail: str = ""


def check_installed(
    catalog: Catalog,
    what: str | None = None,
    *,
    everything: bool = False,
    distribution: str | None = None,
    reserved: Collection[str] = (),
) -> Iterator[CheckResult]:
    """The stages of the plugins or parts called ``what``, or of every plugin that is not netlab's own.

    ``distribution`` leaves out those of the others; ``reserved`` are names that no plugin's command may have.

    Raises:
        UsageError: nothing is called so.
    """
    for plugin, part in choose(catalog, what, everything=everything):
        if distribution in (None, plugin.distribution):
            yield from check_plugin(plugin, catalog, part, reserved)


def check_package(folder: Path, *, reserved: Collection[str] = ()) -> Iterator[CheckResult]:
    """The stages of a package in ``folder`` that need not be installed.

    Raises:
        UsageError: as ``package_plugins``.
    """
    with package_plugins(folder) as (plugins, catalog):
        for plugin in plugins:
            yield from check_plugin(plugin, catalog, None, reserved)


def choose(catalog: Catalog, what: str | None, *, everything: bool) -> list[tuple[Plugin, Component | None]]:
    """The plugins to check, or single parts of them.

    Raises:
        UsageError: nothing is called so (with the closest names).
    """
    manager = catalog.manager
    if what is None:
        return [(plugin, None) for plugin in manager.plugins if everything or not plugin.builtin]
    plugins = matching_plugins(manager, what)
    if plugins:
        return [(plugin, None) for plugin in plugins]
    parts = matching_parts(catalog, what)
    if not parts:
        known = {plugin.name for plugin in manager.plugins} | {part.name for part in catalog}
        raise UsageError(
            f"no plugin or part is called '{what}', and it is no folder with a pyproject.toml."
            f"{closest(what, known)}"
        )
    return [(part.plugin, part) for part in parts]


def check_plugin(
    plugin: Plugin, catalog: Catalog, only: Component | None, reserved: Collection[str]
) -> Iterator[CheckResult]:
    """The stages of one plugin, in order; after a failure that stops it, no further ones."""

    def row(stage: str, result: Result, detail: str = "", part: str = "") -> CheckResult:
        return CheckResult(plugin.name, part, stage, result, detail)

    if plugin.state == "blocked":
        yield row("metadata", "skipped", "blocked: it is not imported")
        return
    commands = offered_commands(plugin, catalog.manager, reserved)
    failures = catalog.manager.failures_of(plugin)
    phases = {failure.phase: first_line(failure.error) for failure in failures}
    if "metadata" in phases:
        yield row("metadata", "failed", phases["metadata"])
        return
    yield check_metadata(plugin)
    if "api" in phases:
        yield row("API", "failed", phases["api"])
        return
    if "import" in phases:
        yield row("light import", "failed", phases["import"])
        return
    yield check_light_import(plugin)
    if "register" in phases or "command" in phases:
        yield row("API", "failed", phases.get("register") or phases["command"])
        return
    yield row("API", "ok", ", ".join(plugin.hooks))
    if only is None:
        from netlab.testing.trackers import plugin_checks

        for name, check in plugin_checks(plugin).items():
            yield attempt(plugin.name, "hooks", f"conformance: {name}", check)
    for part in catalog:
        if part.plugin is plugin and (only is None or part.spec == only.spec):
            yield from check_part(part)
    for command in commands if only is None else ():
        yield attempt(plugin.name, f"command {command.name}", "resolve", partial(load_target, command.target))


def offered_commands(
    plugin: Plugin, manager: PluginManager, reserved: Collection[str]
) -> list[PluginCommand]:
    """The commands that a plugin adds; what is wrong with its declaration is kept as its failure."""
    offered = plugin_commands(manager, reserved)
    return [command for several in offered.values() for command in several if command.plugin is plugin]


def check_metadata(plugin: Plugin) -> CheckResult:
    """The distribution has a name and a version, and asks for netlab."""
    if "?" in (plugin.distribution, plugin.version):
        return CheckResult(plugin.name, "", "metadata", "failed", "its distribution has no name or version")
    return CheckResult(
        plugin.name, "", "metadata", "ok", f"{plugin.distribution} {plugin.version}: {plugin.target}"
    )


def check_light_import(plugin: Plugin) -> CheckResult:
    """The declaration imports nothing heavy, and takes no time that users would feel."""
    from netlab.testing.checks import ConformanceError
    from netlab.testing.every_kind import expect_light_declaration

    took = f"{1000 * plugin.import_seconds:.1f} ms"
    if is_file(plugin.distribution):
        return CheckResult(plugin.name, "", "light import", "skipped", NOT_LIGHT)
    try:
        expect_light_declaration(plugin.target)
    except ConformanceError as error:
        return CheckResult(plugin.name, "", "light import", "failed", str(error))
    if plugin.import_seconds > SLOW_IMPORT:
        return CheckResult(
            plugin.name, "", "light import", "failed", f"it took {took}; every command waits for it"
        )
    return CheckResult(plugin.name, "", "light import", "ok", took)


def check_part(part: Component) -> Iterator[CheckResult]:
    """The stages of one component; one that can not be loaded is not built eight times."""
    title = f"{part.kind} {part.name}"
    found = [
        attempt(part.plugin.name, title, "resolve", part.load),
        attempt(part.plugin.name, title, "options", partial(check_options, part)),
    ]
    yield from found
    if any(row.result == "failed" for row in found):
        yield CheckResult(part.plugin.name, title, "conformance", "skipped", "first it has to be loaded")
        return
    from netlab.testing.checks import Check, component_checks, make_subject

    for check in component_checks(part.kind, part.manager.kinds):

        def conformance(check: Check = check) -> None:
            check(make_subject(part))

        yield attempt(part.plugin.name, title, f"conformance: {check.name}", conformance)


def check_options(part: Component) -> None:
    """Every option can be held by a flag.

    Raises:
        PluginError: naming the option that can not.
    """
    model = part.options_model()
    for name, field in model.model_fields.items() if model is not None else ():
        try:
            flag_type(name, field.annotation)
        except TypeError as error:
            raise PluginError(f"{part.title} of {part.plugin.distribution}: {error}") from None


def attempt(plugin: str, part: str, stage: str, action: Callable[[], object]) -> CheckResult:
    """Run a stage; what it raises is its result."""
    from netlab.testing.checks import ConformanceError, NotApplicable

    try:
        action()
    except NotApplicable as reason:
        return CheckResult(plugin, part, stage, "skipped", str(reason))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = str(error) if isinstance(error, ConformanceError) else first_line(error)
        return CheckResult(plugin, part, stage, "failed", message)
    return CheckResult(plugin, part, stage, "ok")
