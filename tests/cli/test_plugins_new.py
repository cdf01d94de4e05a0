"""A generated package is complete: every stage of ``netlab plugins check`` passes on it as it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from netlab.scaffold import SCAFFOLD_KINDS
from tests.conftest import Cli


@pytest.mark.parametrize("kind", SCAFFOLD_KINDS)
def test_a_new_package_of_every_kind_passes_its_checks(cli: Cli, kind: str) -> None:
    name = f"fresh-{kind}"
    assert cli("plugins", "new", name, "--kind", kind).code == 0
    folder = Path(f"netlab-plugin-{name}")
    for place in ("pyproject.toml", "README.md", ".github/workflows/test.yml", "tests/test_conformance.py"):
        text = (folder / place).read_text()
        assert "$" not in text.replace("${{", "")
    before = set(sys.modules)
    try:
        checked = cli("plugins", "check", folder, "--json")
    finally:
        for module in set(sys.modules) - before:
            if module.startswith("netlab_fresh"):
                del sys.modules[module]
    rows = json.loads(checked.out)
    assert checked.code == 0, checked.err
    assert {row["result"] for row in rows} <= {"ok", "skipped"}
    assert {row["stage"] for row in rows} >= {"metadata", "light import", "API"}
    if kind != "tracker":
        assert sum(row["stage"].startswith("conformance") for row in rows) > 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Squeeze Excite"], "is no name for a plugin"),
        (["mine", "--kind", "blok"], "there is no kind 'blok'. Did you mean 'block'?"),
        (["grouped", "--kind", "block"], "block 'grouped' is there already, from netlab-vision"),
    ],
)
def test_what_can_not_be_written_is_refused_in_one_line(cli: Cli, words: list[str], message: str) -> None:
    outcome = cli("plugins", "new", *words)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_folder_that_is_not_empty_is_left_alone(cli: Cli) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep")
    outcome = cli("plugins", "new", "fresh", "--directory", "mine")
    assert outcome.code == 2
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


def test_freeze_gives_requirement_lines_of_the_plugins(cli: Cli) -> None:
    outcome = cli("plugins", "freeze")
    assert outcome.code == 0
    assert any(line.startswith("netlab-vision") for line in outcome.out.splitlines())
