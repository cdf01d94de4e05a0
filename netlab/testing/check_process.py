"""``netlab plugins check``: each distribution is checked in a process of its own.

So a plugin that kills its process, never returns or leaves something behind spoils no other one's check,
and is reported as what failed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.engine.plugin_settings import plugin_settings
from netlab.engine.watched_process import how_it_ended, lines_to, read_lines, run_watched, time_limit
from netlab.testing.expected import with_expected
from netlab.testing.package_folder import expected_failures, imported_here, package_entry_points
from netlab.testing.plugin_check import CheckResult, check_installed, check_package, choose

LIMIT = "NETLAB_CHECK_TIMEOUT"  # seconds that one check may take


def check_apart(
    catalog: Catalog,
    what: str | None = None,
    *,
    everything: bool = False,
    blocked: Collection[str] = (),
    reserved: Collection[str] = (),
    expected: Mapping[str, str] = MappingProxyType({}),
) -> list[CheckResult]:
    """The stages of the plugins or parts called ``what``, of the package in the folder ``what``, or of all.

    ``blocked`` are plugins to leave out, ``reserved`` names that no plugin's command may have, ``expected``
    the reasons of checks that are known to fail, beside those that a package in a folder declares.

    Raises:
        UsageError: nothing is called so, the package has no plugin, or an expected failure is of no check.
    """
    request = {
        "what": what, "everything": everything, "blocked": [*blocked], "reserved": [*reserved],
        "files": [*catalog.manager.files],
    }  # fmt: skip
    if what is not None and (Path(what) / "pyproject.toml").is_file():
        names = [name for points in package_entry_points(Path(what)).values() for name in points]
        found = checked({**request, "folder": str(Path(what).resolve())}, names)
        return with_expected(found, {**expected_failures(Path(what)), **expected})
    chosen = [plugin for plugin, _ in choose(catalog, what, everything=everything)]
    results = []
    for distribution in dict.fromkeys(plugin.distribution for plugin in chosen):
        names = [plugin.name for plugin in chosen if plugin.distribution == distribution]
        results += checked({**request, "distribution": distribution}, names)
    return with_expected(results, expected)


def checked(request: Mapping[str, Any], plugins: list[str]) -> list[CheckResult]:
    """What came of the checks in one process; ``plugins`` are those that it is about."""
    limit = time_limit(LIMIT, 300)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = run_watched(__name__, request, folder, limit, progress=folder / "results")
        lines = read_lines(folder / "results")
        results = [CheckResult(**line) for line in lines if line is not None]
        if lines and lines[-1] is None:  # it came to the end
            return results
    how = how_it_ended(code) if code is not None else f"did not return within {limit:g} s ({LIMIT} sets it)"
    last = results[-1] if results else None
    when = f", after {last.part or last.stage}: {last.stage}" if last is not None else ""
    plugin = last.plugin if last is not None else plugins[0]
    part = last.part if last is not None else ""
    return [*results, CheckResult(plugin, part, "process", "failed", f"it {how}{when}")]


def answer(request: dict[str, Any], folder: Path) -> None:
    """In the process: write what comes of each check as soon as it has come, and None at the end."""
    with lines_to(folder / "results") as write:
        reserved = request["reserved"]
        if "folder" in request:
            results = check_package(Path(request["folder"]), reserved=reserved)
        else:
            settings, name = plugin_settings(request["blocked"]), request["distribution"]
            manager = PluginManager(
                blocked=settings.disabled,
                autoload=settings.autoload,
                files=request["files"],
                ask=imported_here(name),
            )
            manager.load()
            results = check_installed(
                Catalog(manager),
                request["what"],
                everything=request["everything"],
                distribution=name,
                reserved=reserved,
            )
        for result in results:
            write(asdict(result))
        write(None)
    os._exit(0)  # whatever threads and exit functions the plugins have left
