"""Every check of the conformance kit can fail: a component that breaks one rule fails that check alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netlab.engine.catalog import Catalog, Component
from netlab.engine.manager import PluginManager
from netlab.errors import UsageError
from netlab.kinds import KINDS
from netlab.testing import NotApplicable, bound_checks, component_checks
from netlab.testing.distributions import distribution_at, write_distribution

FOLDER = Path(__file__).parent
sys.path.append(str(FOLDER))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    plugins = {"broken": "broken_parts.plugin", "heavy": "broken_parts.heavy"}
    return catalog_of(tmp_path_factory.mktemp("broken"), plugins)


@pytest.fixture(scope="module")
def broken_norms(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return catalog_of(tmp_path_factory.mktemp("broken_norms"), {"norms": "broken_parts.norm_plugin"})


def catalog_of(folder: Path, plugins: dict[str, str]) -> Catalog:
    """The broken components and netlab's own norms."""
    points = distribution_at(write_distribution(folder, "broken", "1.0", {"netlab.v1": plugins})).entry_points
    manager = PluginManager(find=lambda: [*points, *own_norms()], strict=True)
    manager.load()
    return Catalog(manager)


def own_norms() -> list:
    from importlib import metadata

    return list(metadata.entry_points(group="netlab.v1", name="norms"))


def failing(component: Component) -> set[str]:
    """The names of the checks that a component fails."""
    failed = set()
    for bound in bound_checks(component):
        try:
            bound()
        except NotApplicable:
            pass
        except Exception:
            failed.add(bound.check.name)
    return failed


EVERY_KIND = {"light-import", "picklable-spec", "flags", "defaults", "option-round-trip", "docstring"}
PROOFS = [
    (kind, check.name)
    for kind in KINDS
    for check in component_checks(kind)
    if kind == "block" or check.name not in EVERY_KIND
]


@pytest.mark.parametrize(("kind", "name"), PROOFS, ids=[f"{kind}-{name}" for kind, name in PROOFS])
def test_a_component_that_breaks_one_rule_fails_that_check_and_no_other(
    broken: Catalog, broken_norms: Catalog, kind: str, name: str
) -> None:
    catalog = broken_norms if kind == "norm" else broken
    (component,) = [part for part in catalog.of_kind(kind) if part.name == name and not part.plugin.builtin]
    assert failing(component) == {name}


def test_every_kind_has_checks_and_the_same_general_ones() -> None:
    for kind in KINDS:
        names = [check.name for check in component_checks(kind)]
        assert set(names) > EVERY_KIND
        assert len(set(names)) == len(names)
        assert all(check.summary for check in component_checks(kind))


def test_an_unknown_kind_is_one_clear_error() -> None:
    with pytest.raises(UsageError, match="there is no kind 'blok'. Did you mean 'block'?"):
        component_checks("blok")


def test_the_kit_itself_is_light() -> None:
    code = (
        "import sys, netlab.testing, netlab.testing.pytest_plugin;"
        "print({'torch', 'numpy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
