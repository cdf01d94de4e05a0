"""Distributions that are not installed, for tests of what a command does with them."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from netlab.testing.distributions import write_distribution
from tests.conftest import Cli

SOUND = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("{kind}", "{name}", summary="A part", target="{target}", options={options!r})
"""
numbers = itertools.count()

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write a distribution with one plugin module into a folder of ``sys.path``."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules = set(sys.modules)

    def write(
        name: str,
        code: str,
        *,
        distribution: str | None = None,
        group: str = "netlab.v1",
        version: str = "1.0",
        requires: Sequence[str] = (),
        **more: str,
    ) -> Path:
        module = f"{name.replace('-', '_')}_{next(numbers)}"
        (site / f"{module}.py").write_text(code.replace("HERE", module))
        for extra, text in more.items():
            (site / f"{extra}.py").write_text(text)
        points = {group: {name: module}}
        return write_distribution(site, distribution or name, version, points, requires=requires)

    yield write
    for module in set(sys.modules) - modules:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(site)):
            del sys.modules[module]


def sound(name: str, *, kind: str = "block", target: str = "HERE:part", options: str | None = None) -> str:
    """The code of a plugin that declares one part."""
    return SOUND.format(kind=kind, name=name, target=target, options=options)


def state_of(cli: Cli, plugin: str) -> dict:
    """What ``netlab plugins list`` says of a plugin."""
    listed = cli("plugins", "list", "--json")
    assert listed.code == 0
    (row,) = [row for row in json.loads(listed.out)["plugins"] if row["name"] == plugin]
    return row
