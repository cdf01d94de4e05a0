"""No false alarm: parts that are right in an unusual way pass every check."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager
from netlab.testing import NotApplicable, bound_checks
from netlab.testing.distributions import distribution_at, write_distribution

sys.path.append(str(Path(__file__).parent))


def names() -> list[tuple[str, str]]:
    from unusual.plugin import netlab_components

    return [(spec.kind, spec.name) for spec in netlab_components()]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    plugins = {"netlab.v1": {"unusual": "unusual.plugin"}}
    folder = write_distribution(tmp_path_factory.mktemp("unusual"), "unusual", "1.0", plugins)
    points = [*distribution_at(folder).entry_points, *metadata.entry_points(group="netlab.v1")]
    manager = PluginManager(find=lambda: points, strict=True)
    manager.load()
    return Catalog(manager)


@pytest.mark.parametrize(("kind", "name"), names())
def test_an_unusual_part_that_is_right_passes(catalog: Catalog, kind: str, name: str) -> None:
    for check in bound_checks(catalog.find(kind, name)):
        try:
            check()
        except NotApplicable:
            continue
