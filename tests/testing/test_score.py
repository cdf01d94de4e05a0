"""The kit's score: how many of the parts that are subtly wrong it catches, and for the right reason."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from netlab.engine.catalog import Catalog, Component
from netlab.engine.manager import PluginManager
from netlab.kinds import KINDS
from netlab.testing import ConformanceError, NotApplicable, component_checks, make_subject
from netlab.testing.distributions import distribution_at, write_distribution

FOLDER = Path(__file__).parent
sys.path.append(str(FOLDER))

LEAST = 0.9


def wrong_parts() -> dict[tuple[str, str], str]:
    """Kind and name of every wrong part, and the check that is to catch it."""
    from broken.plugin import PARTS, name_of, parts_of

    return {
        (kind, name_of(attribute)): check
        for kind, modules in PARTS.items()
        for text in modules.values()
        for attribute, _, _, check in parts_of(text)
    }


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The wrong parts, and netlab's own."""
    from importlib import metadata

    plugins = {"netlab.v1": {"broken": "broken.plugin", "broken-norms": "broken.norm_plugin"}}
    folder = write_distribution(tmp_path_factory.mktemp("broken"), "broken", "1.0", plugins)
    points = [*distribution_at(folder).entry_points, *metadata.entry_points(group="netlab.v1")]
    manager = PluginManager(find=lambda: points, strict=True)
    manager.load()
    return Catalog(manager)


def caught(component: Component, name: str) -> bool:
    """Whether the check of this name finds a part wrong."""
    (check,) = [c for c in component_checks(component.kind) if c.name == name]
    try:
        check(make_subject(component))
    except NotApplicable:
        return False
    except ConformanceError as error:
        return "(expected: " in str(error)
    return False


def test_nine_of_ten_wrong_parts_are_caught(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # one of them writes where it is
    expected = wrong_parts()
    found, total, missed = Counter[str](), Counter[str](), []
    for component in catalog:
        if component.plugin.distribution != "broken":
            continue
        total[component.kind] += 1
        if caught(component, expected[component.kind, component.name]):
            found[component.kind] += 1
        else:
            missed.append(f"{component.kind} {component.name}")
    assert total.total() == len(expected) > 50
    assert set(total) == set(KINDS)
    lines = [f"  {kind:13} {found[kind]:3} of {total[kind]:3}" for kind in total]
    with capfd.disabled():
        print(f"\nThe kit catches {found.total()} of {total.total()} wrong parts:", *lines, sep="\n")
        print(*(f"  missed: {name}" for name in missed), sep="\n")
    assert found.total() >= LEAST * total.total()
