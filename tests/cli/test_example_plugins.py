"""The example package, used by name like any part."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from netlab.testing.distributions import write_distribution
from tests.conftest import Cli

SOURCE = Path(__file__).parents[2] / "examples" / "netlab-plugin-squeeze-excite" / "src"


def test_squeeze_excite_trains_by_name_and_its_version_is_recorded(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: tuple[str, ...]
) -> None:
    points = {"netlab.v1": {"squeeze-excite": "netlab_squeeze_excite.plugin"}}
    write_distribution(tmp_path / "site", "netlab-plugin-squeeze-excite", "0.1.0", points)
    monkeypatch.syspath_prepend(SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    before = set(sys.modules)
    try:
        words = (
            "run",
            *tiny,
            "--epochs",
            "1",
            "--block",
            "squeeze-excite",
            "--reduction",
            "2",
            "--name",
            "r",
        )
        outcome = cli(*words)
        assert outcome.code == 0, outcome.err
        supplied = json.loads(Path("runs/r/environment.json").read_text())["components"]
        block = next(part for part in supplied if part["kind"] == "block")
        assert (block["distribution"], block["version"]) == ("netlab-plugin-squeeze-excite", "0.1.0")
        frozen = cli("plugins", "freeze", "--run", "r").out.splitlines()
        assert "netlab-plugin-squeeze-excite==0.1.0" in frozen
        without = cli("--no-plugin", "squeeze-excite", "metrics", "csi", "--run", "r")
        assert "whose plugin 'squeeze-excite' is blocked here" in without.err
        for path in (str(SOURCE), str(tmp_path / "site")):
            sys.path.remove(path)
        uninstalled = cli("metrics", "csi", "--run", "r")
        assert uninstalled.code == 2
        assert "of netlab-plugin-squeeze-excite 0.1.0, which is not installed" in uninstalled.err
    finally:
        for module in set(sys.modules) - before:
            if module.startswith("netlab_squeeze_excite"):
                del sys.modules[module]
