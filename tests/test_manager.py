"""The plugin manager keeps every failure and lets none through."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from netlab.engine.distributions import canonical
from netlab.engine.hooks import call_hooks
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError

GOOD = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec(kind="block", name="good", summary="A block", target="good_plugin:Block")
"""

MakePlugin = Callable[..., EntryPoint]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePlugin]:
    """Write a plugin module and give its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def make(source: str, *, name: str = "stranger", group: str = "netlab.v1") -> EntryPoint:
        module = f"{name}_plugin_{len(names)}"
        names.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        return EntryPoint(name, module, group)

    yield make
    for module in names:
        sys.modules.pop(module, None)


def loaded(*points: EntryPoint, **settings: object) -> PluginManager:
    manager = PluginManager(find=lambda: points, **settings)  # type: ignore[arg-type]
    manager.load()
    return manager


def test_a_good_plugin_gives_its_components(plugin: MakePlugin) -> None:
    manager = loaded(plugin(GOOD))
    assert manager.failures == []
    assert [spec.name for spec in manager.plugins[0].components] == ["good"]


@pytest.mark.parametrize(
    ("source", "phase", "message"),
    [
        ("raise RuntimeError('no luck')", "import", "no luck"),
        ("raise SystemExit(7)", "import", "SystemExit"),
        ("import a_module_that_is_not_there", "import", "a_module_that_is_not_there"),
        (
            GOOD.replace("netlab_components", "netlab_componets"),
            "register",
            "Did you mean 'netlab_components'",
        ),
        (GOOD.replace("@hookimpl\n", ""), "register", "@hookimpl"),
        (GOOD.replace("yield ComponentSpec", "yield dict"), "register", "not a ComponentSpec"),
        (GOOD.replace('name="good"', 'name="Bad Name"'), "register", "Bad Name"),
        (GOOD.replace("good_plugin:Block", "good_plugin.Block"), "register", "package.module:attribute"),
        (GOOD.replace("def netlab_components()", "def netlab_components(unknown)"), "register", "unknown"),
    ],
)
def test_a_broken_plugin_is_reported_with_its_phase(
    plugin: MakePlugin, source: str, phase: str, message: str
) -> None:
    manager = loaded(plugin(source), plugin(GOOD, name="good"))
    (failure,) = manager.failures
    assert failure.phase == phase
    assert message in str(failure)
    assert [p.state for p in manager.plugins] == ["failed", "ok"]


def test_a_plugin_of_a_newer_api_is_not_imported(plugin: MakePlugin) -> None:
    manager = loaded(plugin("raise RuntimeError('imported')", group="netlab.v2"))
    assert manager.plugins[0].state == "needs newer netlab"
    assert "upgrade netlab" in str(manager.failures[0])


def test_a_blocked_plugin_is_not_imported(plugin: MakePlugin) -> None:
    manager = loaded(plugin("raise RuntimeError('imported')"), blocked=["stranger"])
    assert manager.plugins[0].state == "blocked"
    assert manager.failures == []


def test_without_autoload_only_netlabs_own_plugins_load(plugin: MakePlugin) -> None:
    assert loaded(plugin(GOOD), autoload=False).plugins[0].state == "blocked"


def test_strict_mode_raises_the_first_failure(plugin: MakePlugin) -> None:
    with pytest.raises(PluginError, match="no luck"):
        loaded(plugin("raise RuntimeError('no luck')"), strict=True)


def test_an_event_hook_that_raises_is_kept_and_the_others_are_called(plugin: MakePlugin) -> None:
    listener = """
from netlab.specs import hookimpl
heard = []

@hookimpl
def netlab_run_finished(run):
    heard.append(run)
"""
    manager = loaded(
        plugin(listener.replace("heard.append(run)", "1 / 0"), name="a"), plugin(listener, name="b")
    )
    call_hooks(manager, "netlab_run_finished", run="the run")
    assert manager.plugins[1].module.heard == ["the run"]
    assert [failure.phase for failure in manager.failures] == ["event"]


def test_netlabs_own_parts_come_from_entry_points() -> None:
    manager = PluginManager.from_environment()
    own = {plugin.name for plugin in manager.plugins if plugin.builtin}
    assert {"blocks", "norms", "backbones", "datasets"} <= own
    assert manager.failures == []


def test_distribution_names_compare_in_canonical_form() -> None:
    assert canonical("My_Pkg.Name") == "my-pkg-name"
