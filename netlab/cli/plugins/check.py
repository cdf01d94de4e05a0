"""``netlab plugins check``: six stages, from a plugin's metadata to the conformance of its parts."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netlab.cli.core.flags import component_flags
from netlab.cli.core.session import Session
from netlab.cli.plugins.show import matching_parts, matching_plugins
from netlab.engine.catalog import Catalog, Component
from netlab.engine.distributions import GROUP_PATTERN, canonical, installed_entry_points
from netlab.engine.manager import SLOW_IMPORT, Plugin, PluginManager
from netlab.errors import PluginError, UsageError, closest, first_line
from netlab.specs import load_target

if TYPE_CHECKING:
    from netlab.cli.core.plugin_commands import PluginCommand

Result = Literal["ok", "failed", "skipped"]
STAGES = ("metadata", "light import", "API", "resolve", "options", "conformance")


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a stage, for a plugin or for one of its parts."""

    plugin: str
    part: str
    stage: str
    result: Result
    detail: str = ""


def check_plugins(session: Session, what: str | None, *, everything: bool, as_json: bool) -> None:
    """Check what the user named, print a table or JSON, and fail when something failed.

    Raises:
        PluginError: a stage failed (exit code 3).
        UsageError: nothing is called so.
    """
    if what is not None and (Path(what) / "pyproject.toml").is_file():
        with package_plugins(Path(what)) as (plugins, catalog):
            rows = [row for plugin in plugins for row in check_plugin(plugin, catalog, None)]
    else:
        catalog = session.catalog
        chosen = choose(session, what, everything=everything)
        rows = [row for plugin, part in chosen for row in check_plugin(plugin, catalog, part)]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print_table(rows)
    failed = [row for row in rows if row.result == "failed"]
    if failed:
        raise PluginError(f"{len(failed)} of {len(rows)} checks failed")
    if not rows and not as_json:
        print("no plugin besides netlab's own is installed (--all checks those)")


def choose(session: Session, what: str | None, *, everything: bool) -> list[tuple[Plugin, Component | None]]:
    """The plugins to check, or single parts of them.

    Raises:
        UsageError: nothing is called so (with the closest names).
    """
    manager = session.catalog.manager
    if what is None:
        return [(plugin, None) for plugin in manager.plugins if everything or not plugin.builtin]
    plugins = matching_plugins(session, what)
    if plugins:
        return [(plugin, None) for plugin in plugins]
    parts = matching_parts(session, what, None)
    if not parts:
        known = {plugin.name for plugin in manager.plugins} | {part.name for part in session.catalog}
        raise UsageError(
            f"no plugin or part is called '{what}', and it is no folder with a pyproject.toml."
            f"{closest(what, known)}"
        )
    return [(part.plugin, part) for part in parts]


@contextmanager
def package_plugins(folder: Path) -> Iterator[tuple[list[Plugin], Catalog]]:
    """The plugins of a package that need not be installed, beside those that are.

    Its entry points are read from pyproject.toml, its code from ``src/`` or the folder itself.

    Raises:
        UsageError: pyproject.toml is not valid, or names no entry point of netlab.
    """
    from netlab.testing.distributions import distribution_at, write_distribution

    project = read_project(folder)
    groups = {
        group: points
        for group, points in project.get("entry-points", {}).items()
        if GROUP_PATTERN.fullmatch(group)
    }
    if not groups:
        raise UsageError(
            f'{folder / "pyproject.toml"} has no table [project.entry-points."netlab.v1"]:'
            " nothing would be found in this package"
        )
    name = str(project.get("name", folder.name))
    source = str((folder / "src" if (folder / "src").is_dir() else folder).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        path = write_distribution(
            Path(temporary),
            name,
            str(project.get("version", "0")),
            groups,
            requires=project.get("dependencies", ()),
        )
        own = list(distribution_at(path).entry_points)
        sys.path.insert(0, source)
        try:
            manager = PluginManager(find=lambda: [*others(name), *own])
            manager.load()
            yield [p for p in manager.plugins if p.distribution == canonical(name)], Catalog(manager)
        finally:
            sys.path.remove(source)


def others(name: str) -> list[metadata.EntryPoint]:
    """The installed entry points, but not those of this distribution."""
    return [
        point
        for point in installed_entry_points()
        if point.dist is None or canonical(point.dist.name) != canonical(name)
    ]


def read_project(folder: Path) -> dict[str, Any]:
    """The table ``[project]``.

    Raises:
        UsageError: the file is not valid TOML or has no such table.
    """
    path = folder / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    if not isinstance(project, dict):
        raise UsageError(f"{path} has no table [project]")
    return project


def check_plugin(plugin: Plugin, catalog: Catalog, only: Component | None) -> Iterator[Row]:
    """The stages of one plugin, in order; after a failure that stops it, no further ones."""

    def row(stage: str, result: Result, detail: str = "", part: str = "") -> Row:
        return Row(plugin.name, part, stage, result, detail)

    if plugin.state == "blocked":
        yield row("metadata", "skipped", "blocked: it is not imported")
        return
    commands = offered_commands(plugin, catalog.manager)
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
    for part in catalog:
        if part.plugin is plugin and (only is None or part.spec == only.spec):
            yield from check_part(part)
    for command in commands if only is None else ():
        yield attempt(plugin.name, f"command {command.name}", "resolve", partial(load_target, command.target))


def offered_commands(plugin: Plugin, manager: PluginManager) -> list[PluginCommand]:
    """The commands that a plugin adds; what is wrong with its declaration is kept as its failure."""
    from netlab.cli.app import COMMANDS
    from netlab.cli.core.plugin_commands import plugin_commands

    offered = plugin_commands(manager, {command.name for command in COMMANDS})
    return [command for several in offered.values() for command in several if command.plugin is plugin]


def check_metadata(plugin: Plugin) -> Row:
    """The distribution has a name and a version, and asks for netlab."""
    if "?" in (plugin.distribution, plugin.version):
        return Row(plugin.name, "", "metadata", "failed", "its distribution has no name or version")
    return Row(plugin.name, "", "metadata", "ok", f"{plugin.distribution} {plugin.version}: {plugin.target}")


def check_light_import(plugin: Plugin) -> Row:
    """The declaration imports nothing heavy, and takes no time that users would feel."""
    from netlab.testing.checks import ConformanceError
    from netlab.testing.every_kind import expect_light_declaration

    took = f"{1000 * plugin.import_seconds:.1f} ms"
    try:
        expect_light_declaration(plugin.target)
    except ConformanceError as error:
        return Row(plugin.name, "", "light import", "failed", str(error))
    if plugin.import_seconds > SLOW_IMPORT:
        return Row(plugin.name, "", "light import", "failed", f"it took {took}; every command waits for it")
    return Row(plugin.name, "", "light import", "ok", took)


def check_part(part: Component) -> Iterator[Row]:
    """The stages of one component; one that can not be loaded is not built eight times."""
    title = f"{part.kind} {part.name}"
    found = [
        attempt(part.plugin.name, title, "resolve", part.load),
        attempt(part.plugin.name, title, "options", partial(component_flags, part)),
    ]
    yield from found
    if any(row.result == "failed" for row in found):
        yield Row(part.plugin.name, title, "conformance", "skipped", "first it has to be loaded")
        return
    from netlab.testing.checks import Check, component_checks, make_subject

    for check in component_checks(part.kind):

        def conformance(check: Check = check) -> None:
            check(make_subject(part))

        yield attempt(part.plugin.name, title, f"conformance: {check.name}", conformance)


def attempt(plugin: str, part: str, stage: str, action: Callable[[], object]) -> Row:
    """Run a stage; what it raises is its result."""
    from netlab.testing.checks import ConformanceError, NotApplicable

    try:
        action()
    except NotApplicable as reason:
        return Row(plugin, part, stage, "skipped", str(reason))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = str(error) if isinstance(error, ConformanceError) else first_line(error)
        return Row(plugin, part, stage, "failed", message)
    return Row(plugin, part, stage, "ok")


def print_table(rows: list[Row]) -> None:
    """Under each plugin and part its stages, one a line; those that a part passed are made one."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding
    from rich.table import Table

    console = Console(highlight=False)
    colours = {"ok": "green", "failed": "bold red", "skipped": "yellow"}
    for (plugin, part), group in itertools.groupby(rows, key=lambda row: (row.plugin, row.part)):
        console.print(part or f"plugin {plugin}", style="bold", markup=False)
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, min_width=7)
        table.add_column(max_width=30)
        table.add_column(overflow="fold")
        for row in summed_up(list(group)):
            result = f"[{colours[row.result]}]{row.result}[/]"
            table.add_row(result, row.stage, escape(row.detail))
        console.print(Padding(table, (0, 0, 0, 2)))
    if rows and not any(row.result == "failed" for row in rows):
        skipped = sum(row.result == "skipped" for row in rows)
        said_nothing = f", {skipped} skipped" if skipped else ""
        console.print(f"{len(rows) - skipped} checks passed{said_nothing}")


def summed_up(rows: list[Row]) -> Iterator[Row]:
    """The rows of a plugin or part; of a part, those that passed are one, and those that failed alike."""
    if not rows[0].part:
        yield from rows
        return
    passed = [row for row in rows if row.result == "ok"]
    if passed:
        stages = dict.fromkeys(row.stage.partition(":")[0] for row in passed)
        checks = sum(row.stage.startswith("conformance") for row in passed)
        detail = f"{checks} checks passed" if checks else ""
        yield replace(passed[0], stage=", ".join(stages), detail=detail)
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.result != "ok":
            alike.setdefault((row.result, row.detail), []).append(row)
    for same in alike.values():
        yield replace(same[0], stage=", ".join(row.stage.removeprefix("conformance: ") for row in same))
