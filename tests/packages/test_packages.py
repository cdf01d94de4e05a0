"""Every kind of package that netlab writes, and the examples: installed together, and their own tests run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netlab.scaffold import SCAFFOLD_KINDS

from .conftest import EXAMPLES, Environment, expect_success, make_environment

EXAMPLE_NAMES = ("attention", "ema", "robust", "squeeze-excite", "centre-surround")
NAMES = (*(f"fresh-{kind}" for kind in SCAFFOLD_KINDS), *EXAMPLE_NAMES)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Path]:
    """The environment with all packages in it, and the folder of the packages."""
    folder = tmp_path_factory.mktemp("packages")
    environment = make_environment(folder / "environment")
    for kind in SCAFFOLD_KINDS:
        expect_success(
            environment.run("netlab", "plugins", "new", f"fresh-{kind}", "--kind", kind, cwd=folder)
        )
    for name in EXAMPLE_NAMES:
        package = f"netlab-plugin-{name}"
        shutil.copytree(EXAMPLES / package, folder / package)
    expect_success(environment.install(*(folder / f"netlab-plugin-{name}" for name in NAMES)))
    return environment, folder


@pytest.fixture(scope="module")
def results(installed: tuple[Environment, Path]) -> dict[str, list[str]]:
    """Package -> what came of each of its tests, from one run of pytest over all of them."""
    environment, folder = installed
    report = folder / "report.xml"
    environment.run("pytest", "-q", f"--rootdir={folder}", "--import-mode=importlib", "-o", "junit_family=xunit1",
                    f"--junitxml={report}", *folder.glob("netlab-plugin-*"), cwd=folder)  # fmt: skip
    found: dict[str, list[str]] = {name: [] for name in NAMES}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["file"].partition("/")[0].removeprefix("netlab-plugin-")
        worst = next((child for child in case if child.tag in ("failure", "error")), None)
        found[name].append("passed" if worst is None else f"{case.attrib['name']}: {worst.text}")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_package_passes_its_own_tests_where_it_is_installed(
    results: dict[str, list[str]], name: str
) -> None:
    assert results[name], "no test ran"
    assert set(results[name]) == {"passed"}
    if name != "fresh-tracker":
        assert len(results[name]) > 7


def test_all_are_listed_as_they_should_be(installed: tuple[Environment, Path]) -> None:
    environment, _ = installed
    listed = json.loads(expect_success(environment.run("netlab", "plugins", "list", "--json")))
    plugins = {plugin["name"]: plugin for plugin in listed["plugins"]}
    assert {plugins[name]["state"] for name in NAMES} == {"ok"}
    assert {plugins[name]["version"] for name in NAMES} == {"0.1.0"}
    assert "clash" not in {part["state"] for part in listed["components"]}


def test_a_package_that_is_uninstalled_is_gone(installed: tuple[Environment, Path]) -> None:
    environment, _ = installed
    expect_success(environment.run("pip", "uninstall", "-y", "netlab-plugin-fresh-norm"))
    done = environment.run("netlab", "plugins", "show", "fresh-norm")
    assert done.returncode == 2
    assert "no part or plugin is called 'fresh-norm'" in done.stderr
