"""Plugins of one file: ``--plugin FILE.py``, and the folder ``netlab_plugins`` beside the runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import netlab
from netlab.api import installed as api
from netlab.errors import PluginError, UsageError
from tests.conftest import Cli

BLOCK = '''"""A block in a file."""
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "mine", summary="A block", target=f"{__name__}:block")

def block(in_channels, out_channels, *, size, norm, activation, options):
    from torch import nn
    return nn.Conv2d(in_channels, out_channels, 3, 1, 1)
'''
LIST = ("plugins", "list", "mine")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    for name in [name for name in sys.modules if name.startswith("netlab_plugin_files.")]:
        del sys.modules[name]


@pytest.fixture
def file(cli: Cli, tmp_path: Path) -> Path:
    path = tmp_path / "my_block.py"
    path.write_text(BLOCK)
    return path


def test_a_part_of_a_file_trains_and_predicts_and_the_file_is_its_supplier(
    cli: Cli, file: Path, tiny: tuple[str, ...]
) -> None:
    done = cli("run", "--plugin", "my_block.py", "--block", "mine", "--norm", "bn", "--name", "r", *tiny)
    assert (done.code, done.err) == (0, "")
    parts = json.loads(cli("runs", "show", "r", "--json").out)["parts"]
    (block,) = [part for part in parts if part["kind"] == "block"]
    assert (block["supplier"], len(block["sha256"])) == ("mine@file:my_block.py", 64)
    cv2.imwrite("one.png", np.zeros((24, 24), np.uint8))
    assert cli("predict", "one.png", "--plugin=my_block.py").code == 0
    without = cli("predict", "one.png")
    assert without.code == 2
    assert "block 'mine' of file:my_block.py, which is not loaded: give --plugin my_block.py" in without.err
    file.write_text(BLOCK + "# changed\n")
    changed = cli("predict", "one.png", "--plugin", "my_block.py")
    assert changed.code == 2
    assert "block 'mine' has changed since run 'r' was trained: file:my_block.py sha256 " in changed.err
    assert cli("predict", "one.png", "--plugin", "my_block.py", "--accept-changed-parts").code == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('noise')\n" + BLOCK, ""),
        ("raise RuntimeError('no')", "failed at import: RuntimeError: no"),
        ("import sys; sys.exit(3)", "failed at import: SystemExit: 3"),
        ("def broken(:", "failed at import: SyntaxError"),
        ("x = 1", "implements no hook"),
        (BLOCK.replace('"A block"', '"two\\nlines"'), "must be one line"),
    ],
)
def test_what_a_file_does_wrong_is_one_line_that_names_it_and_the_rest_works(
    cli: Cli, file: Path, code: str, said: str
) -> None:
    file.write_text(code)
    outcome = cli("--plugin", "my_block.py", "plugins", "list", "grouped", "--json")
    assert outcome.code == 0
    json.loads(outcome.out)
    if said:
        (line,) = outcome.err.splitlines()
        assert line.startswith("netlab: plugin 'my_block' (file:my_block.py ")
        assert said in line


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["my_blok.py"], "my_blok.py: there is no such file. Did you mean 'my_block.py'?"),
        (["."], "it is a folder: name a file"),
        (["notes.txt"], "a plugin file is called NAME.py"),
        (["my_block.py", "other/my_block.py"], "two plugin files are called my_block.py: "),
    ],
)
def test_what_is_no_plugin_file_is_refused_in_one_line(
    cli: Cli, file: Path, given: list[str], said: str
) -> None:
    Path("notes.txt").write_text("x")
    Path("other").mkdir()
    Path("other/my_block.py").write_text(BLOCK)
    outcome = cli(*(word for path in given for word in ("--plugin", path)), *LIST)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert said in line


def test_a_file_that_is_named_twice_counts_once_and_can_be_left_out(cli: Cli, file: Path) -> None:
    twice = cli("--plugin", "my_block.py", "--plugin", file, *LIST)
    assert twice.code == 0
    assert twice.out.count("file:my_block.py") == 1
    assert cli("--plugin", "my_block.py", "--no-plugin", "my_block", *LIST).code == 2


def test_the_folder_beside_the_runs_is_loaded_and_that_is_said(
    cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("work/netlab_plugins")
    folder.mkdir(parents=True)
    (folder / "deeper").mkdir()
    file.rename(folder / "my_block.py")
    for name in ("_hidden.py", ".hidden.py", "deeper/below.py"):
        (folder / name).write_text("raise RuntimeError")
    (folder / "link.py").symlink_to(folder.absolute() / "_hidden.py")
    words = ("summary", "--block", "mine", "--norm", "bn", "--input", "1x24x24")
    assert cli(*words).code == 2
    monkeypatch.chdir("work")
    there = cli(*words)
    assert there.code == 0, there.err
    assert there.err == (
        f"netlab: loaded my_block.py of {Path.cwd() / 'netlab_plugins'}"
        " (NETLAB_PLUGIN_FOLDER=0 leaves out what lies there)\n"
    )
    monkeypatch.chdir("..")
    assert (
        cli("runs", "show", "x", "--runs", "work/runs").code == 2
    )  # no plugin is needed, and none is loaded
    assert cli("predict", "x.png", "--runs", "work/runs").code == 2
    monkeypatch.chdir("work")
    for variable in ("NETLAB_PLUGIN_FOLDER", "NETLAB_PLUGIN_AUTOLOAD"):
        monkeypatch.setenv(variable, "0")
        assert "there is no block 'mine'" in cli(*words).err
        assert cli("--plugin", "netlab_plugins/my_block.py", *words).code == 0
        monkeypatch.delenv(variable)
    Path("netlab.toml").write_text("[plugins]\nfolder = false\n")
    assert "there is no block 'mine'" in cli(*words).err


def test_a_sweeps_workers_have_the_files_too(cli: Cli, file: Path, tiny: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netlab", "--plugin", "my_block.py", "sweep", "--block", "mine", "--norm", "bn",
         "--seeds", "1", "--yes", *tiny, "--epochs", "1"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = Path("runs").glob("digits-*")
    suppliers = json.loads((run / "environment.json").read_text())["components"]
    assert "file:my_block.py" in {part["distribution"] for part in suppliers}


def test_python_loads_a_file_and_again_after_a_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_files", [])
    assert netlab.load_plugin(file)["name"] == ["mine"]
    assert "mine" in netlab.parts("block")["name"]
    assert netlab.assemble(block="mine", norm="bn", input=(1, 24, 24), width=4)[0] is not None
    file.write_text(BLOCK.replace('"mine"', '"yours"'))
    assert netlab.load_plugin(str(file))["name"] == ["yours"]
    assert "mine" not in netlab.parts("block")["name"]
    file.write_text("raise RuntimeError('no')")
    with (
        pytest.warns(UserWarning, match="failed at import"),
        pytest.raises(PluginError, match="RuntimeError: no"),
    ):
        netlab.load_plugin(file)
    with pytest.raises(UsageError, match="there is no such file"):
        netlab.load_plugin("nothing.py")
