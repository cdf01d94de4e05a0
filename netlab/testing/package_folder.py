"""The plugins of a package in a folder, which need not be installed, as its pyproject.toml declares them."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from netlab.engine.asking import Answer, Ask, in_this_process, watched
from netlab.engine.catalog import Catalog
from netlab.engine.distributions import GROUP_PATTERN, canonical, installed_entry_points
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.errors import UsageError
from netlab.testing.distributions import distribution_at, write_distribution


@contextmanager
def package_plugins(folder: Path) -> Iterator[tuple[list[Plugin], Catalog]]:
    """The plugins of a package that need not be installed, beside those that are.

    Its entry points are read from pyproject.toml, its code from ``src/`` or the folder itself.

    Raises:
        UsageError: pyproject.toml is not valid, or names no entry point of netlab.
    """
    project, groups = read_project(folder), package_entry_points(folder)
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
            manager = PluginManager(find=lambda: [*others(name), *own], ask=imported_here(name))
            manager.load()
            yield [p for p in manager.plugins if p.distribution == canonical(name)], Catalog(manager)
        finally:
            sys.path.remove(source)


def package_entry_points(folder: Path) -> dict[str, dict[str, str]]:
    """Those for netlab in a package's pyproject.toml: group -> name -> target.

    Raises:
        UsageError: the file is not valid, or has none.
    """
    every = read_project(folder).get("entry-points", {})
    groups = {group: points for group, points in every.items() if GROUP_PATTERN.fullmatch(group)}
    if not groups:
        raise UsageError(
            f'{folder / "pyproject.toml"} has no table [project.entry-points."netlab.v1"]:'
            " nothing would be found in this package"
        )
    return groups


def imported_here(name: str) -> Ask:
    """Imports the plugins of one distribution in this process; the others are asked as always."""

    def ask(points: Sequence[metadata.EntryPoint]) -> Iterable[Answer]:
        distribution = points[0].dist
        ours = distribution is not None and canonical(distribution.name) == canonical(name)
        return in_this_process(points) if ours else watched(points)

    return ask


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
    project = read_pyproject(folder).get("project")
    if not isinstance(project, dict):
        raise UsageError(f"{folder / 'pyproject.toml'} has no table [project]")
    return project


def expected_failures(folder: Path) -> dict[str, str]:
    """What is known to fail, by check: ``expected_failures`` of the table ``[tool.netlab]``.

    Raises:
        UsageError: it is no table of texts.
    """
    tool = read_pyproject(folder).get("tool", {}).get("netlab", {})
    expected = tool.get("expected_failures", {}) if isinstance(tool, dict) else None
    if not isinstance(expected, dict) or not all(isinstance(reason, str) for reason in expected.values()):
        raise UsageError(
            f"{folder / 'pyproject.toml'}: [tool.netlab] expected_failures must be a table from checks to"
            ' reasons, such as {small-maps = "needs 3 x 3 at least"}'
        )
    return expected


def read_pyproject(folder: Path) -> dict[str, Any]:
    """The file ``pyproject.toml``.

    Raises:
        UsageError: it is not valid TOML.
    """
    path = folder / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
