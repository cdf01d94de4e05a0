"""The pytest plugin: fixtures for tests of plugins. Loaded by pytest wherever netlab is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from netlab.engine.manager import PluginManager


@pytest.fixture
def isolated_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., PluginManager]:
    """Makes a loaded ``PluginManager`` that sees only netlab's own plugins and those of the test.

    ``isolated_manager({"mine": "my_package.plugin"}, distribution="my-package", version="1.0")``: the
    entry points are those of a distribution that need not be installed. Environment variables and
    TOML files of the person who runs the tests are not looked at; keywords that the manager has
    (``blocked``, ``strict``, ``autoload``) are passed on.
    """
    from netlab.engine.distributions import OWN_DISTRIBUTION, canonical
    from netlab.engine.manager import PluginManager
    from netlab.specs import ENTRY_POINT_GROUP
    from netlab.testing.distributions import distribution_at, write_distribution

    for variable in ("NETLAB_DISABLE_PLUGINS", "NETLAB_PLUGIN_AUTOLOAD", "NETLAB_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)

    def make(
        plugins: dict[str, str] | None = None,
        *,
        distribution: str = "a-plugin",
        version: str = "1.0",
        group: str = ENTRY_POINT_GROUP,
        **settings: object,
    ) -> PluginManager:
        points = [
            point
            for point in metadata.entry_points(group=ENTRY_POINT_GROUP)
            if point.dist is not None and canonical(point.dist.name) == OWN_DISTRIBUTION
        ]
        if plugins:
            folder = write_distribution(tmp_path, distribution, version, {group: plugins})
            points += distribution_at(folder).entry_points
        manager = PluginManager(find=lambda: points, **settings)  # type: ignore[arg-type]
        manager.load()
        return manager

    return make
