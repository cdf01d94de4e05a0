"""Every check of the conformance kit can fail: a component that breaks a rule fails the check of the rule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.errors import UsageError
from netlab.kinds import KINDS
from netlab.testing import ConformanceError, component_checks, make_subject
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


GENERAL = {"light-import", "picklable-spec", "flags", "defaults", "option-round-trip", "docstring"}


def declared() -> dict[tuple[str, str], str]:
    """Kind and check that a part is there to fail -> its name: the parts of ``broken_parts``, named by it."""
    from broken_parts.norm_plugin import netlab_components as norms
    from broken_parts.plugin import netlab_components as others

    return {(spec.kind, spec.name): spec.name for spec in (*others(), *norms())}


@pytest.mark.parametrize(
    ("kind", "name"), sorted(declared()), ids=["-".join(key) for key in sorted(declared())]
)
def test_a_component_that_breaks_a_rule_fails_its_check(
    broken: Catalog, broken_norms: Catalog, kind: str, name: str
) -> None:
    catalog = broken_norms if kind == "norm" else broken
    (component,) = [part for part in catalog.of_kind(kind) if part.name == name and not part.plugin.builtin]
    (check,) = [check for check in component_checks(kind) if check.name == name]
    with pytest.raises(ConformanceError, match="expected: "):
        check(make_subject(component))


def test_every_check_is_proved_by_a_part_that_fails_it() -> None:
    from test_score import wrong_parts

    failed = set(declared()) | {(kind, check) for (kind, _), check in wrong_parts().items()}
    checks = {(kind, check.name): check for kind in KINDS for check in component_checks(kind)}
    # Kinds share checks: one that fails for a block can fail for a backbone.
    proved = {(checks[key].name, checks[key].summary) for key in failed if key in checks}
    missing = [key for key, check in checks.items() if (check.name, check.summary) not in proved]
    assert missing == [(kind, "light-import") for kind in KINDS]  # proved below


def test_a_heavy_declaration_is_no_light_import(broken: Catalog) -> None:
    (component,) = [part for part in broken.of_kind("block") if part.name == "light-import"]
    (check,) = [check for check in component_checks("block") if check.name == "light-import"]
    with pytest.raises(ConformanceError, match="imports .*torch"):
        check(make_subject(component))


def test_every_kind_has_checks_and_the_same_general_ones() -> None:
    for kind in KINDS:
        names = [check.name for check in component_checks(kind)]
        assert set(names) > GENERAL
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
