"""A run takes exactly the parts that it was trained with: plugins upgraded, clashed with, and removed."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from netlab.engine.catalog import Catalog
from netlab.engine.provenance import builtin_files
from tests.cli.conftest import Install
from tests.conftest import Cli

BLOCK = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "mine", summary="A block", target="HERE:block", tags=frozenset({"stride"}))

def block(in_channels, out_channels, *, size, norm, activation, options, stride=1):
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(in_channels, out_channels, 3, stride, 1)

        def forward(self, x):
            return self.convolution(x) * FACTOR

    return Block()
"""
WORDS = ("run", "--block", "mine", "--norm", "bn", "--name", "r")


def remove(site: Path, distribution: str) -> None:
    for folder in site.glob(f"{distribution}-*.dist-info"):
        shutil.rmtree(folder)


@pytest.fixture
def trained(cli: Cli, install: Install, tiny: tuple[str, ...]) -> Path:
    """The run 'r' with block 'mine' of first 1.0; gives the folder that the distribution is in."""
    info = install("first", BLOCK.replace("FACTOR", "1.0"))
    done = cli(*WORDS, *tiny)
    assert done.code == 0, done.err
    cv2.imwrite("one.png", np.zeros((24, 24), np.uint8))
    return info.parent


PREDICT = ("predict", "one.png", "--json")
METRICS = ("metrics", "csi", "--run", "r", "--json")


def upgraded(trained: Path, install: Install) -> None:
    remove(trained, "first")
    install("first", BLOCK.replace("FACTOR", "2.0"), version="2.0")


def test_every_session_records_name_distribution_version_and_digest(
    cli: Cli, trained: Path, tiny: tuple[str, ...]
) -> None:
    (session,) = json.loads(Path("runs/r/sessions.json").read_text())
    block = next(part for part in session["components"] if part["kind"] == "block")
    assert (block["name"], block["distribution"], block["version"]) == ("mine", "first", "1.0")
    assert re.fullmatch(r"[0-9a-f]{64}", block["sha256"])
    assert cli(*WORDS, *tiny, "--epochs", "3").code == 0
    assert len(json.loads(Path("runs/r/sessions.json").read_text())) == 2
    shown = json.loads(cli("runs", "show", "r", "--json").out)
    assert "mine@first==1.0" in [part["supplier"] for part in shown["parts"]]
    assert [session["what"] for session in shown["sessions"]] == ["training", "training"]
    assert shown["figures"]["epochs"] == 3
    table = cli("runs", "show", "r").out
    assert f"mine@first==1.0  {block['sha256'][:12]}" in re.sub(" +", " ", table).replace(" ", "  ")


def test_an_unchanged_plugin_is_used_with_no_word(cli: Cli, trained: Path) -> None:
    assert (cli(*PREDICT).code, cli(*METRICS).code) == (0, 0)
    assert cli(*PREDICT).err == ""


def test_a_plugin_that_clashes_changes_nothing_for_a_run(
    cli: Cli,
    trained: Path,
    install: Install,
    tiny: tuple[str, ...],
) -> None:
    before = cli(*PREDICT).out
    install("second", BLOCK.replace("FACTOR", "-1.0"))
    assert cli(*PREDICT).out == before
    assert cli(*METRICS).code == 0
    resumed = cli(*WORDS, *tiny, "--epochs", "3")
    assert resumed.code == 0, resumed.err
    session = json.loads(Path("runs/r/sessions.json").read_text())[-1]
    assert "first" in [part["distribution"] for part in session["components"] if part["kind"] == "block"]
    assert "write 'mine@first' or 'mine@second'" in cli("run", "--block", "mine", "--name", "new", *tiny).err


def test_the_name_that_a_run_gets_does_not_depend_on_what_else_is_installed(
    cli: Cli,
    trained: Path,
    install: Install,
    tiny: tuple[str, ...],
) -> None:
    def name(block: str) -> str:
        return re.findall(
            r'^name = "(.*-s0-.*)"', cli("run", "--block", block, *tiny, "--print-config").out, re.M
        )[0]

    alone = name("mine")
    install("second", BLOCK.replace("FACTOR", "1.0"))
    assert name("mine@first") == alone
    assert name("mine@second") != alone


@pytest.mark.parametrize("words", [PREDICT, METRICS])
def test_changed_code_is_refused_in_one_line_unless_accepted(
    cli: Cli,
    trained: Path,
    install: Install,
    words: tuple[str, ...],
) -> None:
    upgraded(trained, install)
    refused = cli(*words)
    assert refused.code == 2
    (line,) = refused.err.splitlines()
    assert re.search(
        r"block 'mine' has changed since run 'r' was trained: first 1\.0 \(sha256 \w{8}\) -> 2\.0 \(sha256 \w{8}\)\."
        r" pip install first==1\.0, or use it all the same with --accept-changed-parts",
        line,
    )
    accepted = cli(*words, "--accept-changed-parts")
    assert accepted.code == 0
    assert "netlab: warning: block 'mine' has changed since run 'r'" in accepted.err
    last = json.loads(Path("runs/r/sessions.json").read_text())[-1]
    assert last["what"] == "use"
    assert "first 1.0" in last["accepted_changes"][0]
    assert "accepted: block 'mine' has changed" in cli("runs", "show", "r").out


def test_a_run_goes_on_with_changed_code_only_if_told(
    cli: Cli,
    trained: Path,
    install: Install,
    tiny: tuple[str, ...],
) -> None:
    upgraded(trained, install)
    result = Path("runs/r/result.json").read_bytes()
    refused = cli(*WORDS, *tiny, "--epochs", "3")
    assert refused.code == 2
    assert "block 'mine' has changed since run 'r' was trained" in refused.err
    assert Path("runs/r/result.json").read_bytes() == result
    accepted = cli(*WORDS, *tiny, "--epochs", "3", "--accept-changed-parts")
    assert accepted.code == 0, accepted.err
    last = json.loads(Path("runs/r/sessions.json").read_text())[-1]
    assert "first 1.0" in last["accepted_changes"][0]
    assert cli(*PREDICT).code == 0  # what it is made of now is what the last session recorded


def test_the_same_code_at_the_same_version_is_no_change(
    cli: Cli,
    trained: Path,
    install: Install,
) -> None:
    module = next(trained.glob("first_*.py"))
    code = module.read_text()
    module.write_text(code + "\n# more\n")
    refused = cli(*PREDICT)
    assert refused.code == 2
    assert "bring back first as it was" in refused.err
    module.write_text(code)
    assert cli(*PREDICT).code == 0


@pytest.mark.parametrize("words", [PREDICT, METRICS])
def test_a_removed_plugin_is_named_with_the_distribution_to_install(
    cli: Cli,
    trained: Path,
    install: Install,
    tiny: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    remove(trained, "first")
    install("second", BLOCK)  # it has a part of that name, and is not taken
    for call in (words, (*WORDS, *tiny, "--epochs", "3")):
        gone = cli(*call)
        assert gone.code == 2
        (line,) = gone.err.splitlines()
        assert line.endswith(
            "run 'r' was trained with block 'mine' of first 1.0, which is not installed: pip install first==1.0"
        )
    blocked = cli("--no-plugin", "first", *words)
    assert blocked.code == 2


def test_a_blocked_plugin_is_said_to_be_blocked(cli: Cli, trained: Path) -> None:
    assert "whose plugin 'first' is blocked here" in cli("--no-plugin", "first", *PREDICT).err


def imported(path: Path) -> set[str]:
    """The built-in modules that a file imports, by its syntax tree."""
    nodes = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
    ]
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), "a relative import"
    return {name for name in names if name.startswith("netlab_builtin.")}


def test_the_files_of_a_built_in_part_are_those_that_its_module_imports(catalog: Catalog) -> None:
    root = Path(sys.modules["netlab_builtin"].__file__ or "").parent
    for component in catalog:
        if not component.plugin.builtin:
            continue
        waiting, found = {component.spec.target.partition(":")[0]}, set()
        while waiting:
            path = root.joinpath(*waiting.pop().split(".")[1:]).with_suffix(".py")
            assert path.is_file(), "a name is imported from a package: its module would not be seen"
            if path not in found and path.stem != "options":
                found.add(path)
                waiting |= imported(path)
        assert found == set(builtin_files(component.spec.target)), component.title
        assert found
