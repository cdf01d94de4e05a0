"""What the kit offers to authors for their own tests: a parametrized test, and a manager of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError, UsageError
from netlab.testing import parametrize_checks

PLUGIN = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("norm", "sound", "Does nothing", "some_parts:sound")
    yield ComponentSpec("norm", "shapeless", "Drops a row", "some_parts:shapeless")
    yield ComponentSpec("dataset", "absent", "Not on this machine", "some_parts:absent")
"""
PARTS = '''
from torch import nn

def sound(channels, size, *, where, options):
    """The input."""
    return nn.Identity()

class Dropping(nn.Module):
    def forward(self, x):
        return x[:, :, 1:]

def shapeless(channels, size, *, where, options):
    """The input without its first row."""
    return Dropping()

def absent(*, root, offline, options):
    """Nothing."""
    raise FileNotFoundError("it is not here")
'''
TESTS = """
from netlab.testing import parametrize_checks

@parametrize_checks(name="sound")
def test_sound(check):
    check()

@parametrize_checks(name="shapeless")
def test_shapeless(check):
    check()

@parametrize_checks(name="shapeless", expected_failures={"norm-shapeless-shape": "known"})
def test_known(check):
    check()

@parametrize_checks(name="sound", expected_failures={"norm-sound-shape": "it does not fail"})
def test_not_any_more(check):
    check()

@parametrize_checks(name="absent")
def test_absent(check):
    check()
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Test -> its outcome, of a test file that an author might write for an installed distribution."""
    from netlab.testing.distributions import write_distribution

    folder = tmp_path_factory.mktemp("author")
    write_distribution(folder, "some-parts", "1.0", {"netlab.v1": {"some": "some_plugin"}})
    files = {"some_plugin": PLUGIN, "some_parts": PARTS, "test_some": TESTS}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", "test_some.py"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": str(folder), "COLUMNS": "200"},
    )  # fmt: skip
    found = {}
    for line in done.stdout.splitlines():
        state, _, rest = line.partition(" ")
        if state in ("PASSED", "FAILED", "XFAIL", "SKIPPED", "XPASS"):
            found[rest.partition(" - ")[0].removeprefix("test_some.py::")] = line
    assert found, done.stdout + done.stderr
    return found


def test_every_check_is_a_test_with_a_name(outcomes: dict[str, str]) -> None:
    assert outcomes["test_sound[norm-sound-shape]"].startswith("PASSED")
    assert outcomes["test_shapeless[norm-shapeless-shape]"].startswith("FAILED")


def test_an_expected_failure_is_one(outcomes: dict[str, str]) -> None:
    assert outcomes["test_known[norm-shapeless-shape]"].startswith("XFAIL")


def test_an_expected_failure_that_passes_fails(outcomes: dict[str, str]) -> None:
    line = outcomes["test_not_any_more[norm-sound-shape]"]
    assert line.startswith("FAILED")
    assert "XPASS(strict)" in line


def test_a_check_that_can_say_nothing_is_skipped_with_the_reason(outcomes: dict[str, str]) -> None:
    skipped = [line for line in outcomes.values() if line.startswith("SKIPPED")]
    assert any("its data is not here" in line for line in skipped)


def test_an_expected_failure_that_names_no_check_is_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="no check is called 'norm-bn-shap'.*norm-bn-shape"):
        parametrize_checks(name="bn", expected_failures={"norm-bn-shap": "typo"}, catalog=catalog)


def test_a_distribution_that_is_not_installed_is_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match=r"netlab-visio.*Is the plugin installed \(pip install -e"):
        parametrize_checks(distribution="netlab-visio", catalog=catalog)


Manager = Callable[..., PluginManager]


@pytest.fixture
def some_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with a declaration, which no distribution ships."""
    (tmp_path / "some_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_plugin", raising=False)
    return "some_plugin"


def test_the_isolated_manager_has_netlabs_own_plugins_and_the_tests(
    isolated_manager: Manager, some_plugin: str
) -> None:
    manager = isolated_manager({"mine": some_plugin}, distribution="my-parts", version="2.0")
    distributions = {plugin.distribution for plugin in manager.plugins}
    assert distributions == {"netlab-vision", "my-parts"}
    (mine,) = [plugin for plugin in manager.plugins if plugin.name == "mine"]
    assert (mine.state, mine.version, len(mine.components)) == ("ok", "2.0", 3)


def test_the_isolated_manager_ignores_the_settings_of_who_runs_the_tests(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("NETLAB_DISABLE_PLUGINS", "norms")
    make: Manager = request.getfixturevalue("isolated_manager")
    assert {plugin.state for plugin in make().plugins} == {"ok"}
    assert {plugin.name for plugin in make(blocked=["norms"]).plugins if plugin.state == "blocked"} == {
        "norms"
    }


def test_the_isolated_manager_is_strict_where_asked(
    isolated_manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_broken_plugin.py").write_text("raise RuntimeError('boom')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [f.phase for f in isolated_manager({"broken": "a_broken_plugin"}).failures] == ["import"]
    with pytest.raises(PluginError, match="boom"):
        isolated_manager({"broken": "a_broken_plugin"}, strict=True)
