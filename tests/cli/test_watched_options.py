"""Options and plugin files are imported in a process that is watched before they are imported for use."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Install, sound
from tests.conftest import Cli

OPTIONS = """
{odd}
from pydantic import BaseModel, Field

class Options(BaseModel):
    k: int = Field(1, description="A number.")
"""
PART = "def part(in_channels, out_channels, *, size, norm, activation, options):\n    return None\n"
FILE = """
{odd}
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "odd", summary="A part", target=f"{{__name__}}:part")

"""
ODD = [
    ("while True: pass", "it was not imported within 2 s (NETLAB_PLUGIN_TIMEOUT sets the limit)"),
    ("import os; os._exit(0)", "it ended its process (exit code 0) while it was imported"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it killed its process (SIGSEGV)"),
    ("raise SystemExit('enough')", "SystemExit: enough"),
]


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETLAB_PLUGIN_TIMEOUT", "2")


@pytest.mark.parametrize(("odd", "said"), ODD)
def test_options_that_do_odd_things_are_named_and_cost_their_part(
    cli: Cli, install: Install, odd: str, said: str
) -> None:
    declared = sound("odd", target="odd_part:part", options="odd_options:Options")
    install("odd-plugin", declared, odd_options=OPTIONS.format(odd=odd), odd_part=PART)
    for _ in range(2):  # found out, and as it was kept
        done = cli("run", "--block", "odd", "--help")
        assert done.code == 3
        assert f"the options of block 'odd' of odd-plugin 1.0 can not be loaded: {said}" in done.err
    assert "odd" in cli("plugins", "list", "odd").out
    assert cli("run", "--help").code == 0


def test_what_options_print_reaches_no_output(cli: Cli, install: Install) -> None:
    declared = sound("odd", target="odd_part:part", options="noisy_options:Options")
    install("odd-plugin", declared, noisy_options=OPTIONS.format(odd="print('noise')"), odd_part=PART)
    shown = cli("plugins", "show", "odd", "--json")
    assert [option["name"] for option in json.loads(shown.out)["components"][0]["options"]] == ["k"]


def test_changed_options_are_imported_anew(cli: Cli, install: Install) -> None:
    declared = sound("odd", target="odd_part:part", options="mended_options:Options")
    folder = install("odd-plugin", declared, mended_options=OPTIONS.format(odd="1 / 0"), odd_part=PART)
    assert cli("run", "--block", "odd", "--help").code == 3
    time.sleep(0.01)  # a file's time of change is what tells
    (folder.parent / "mended_options.py").write_text(OPTIONS.format(odd=""))
    assert "--block.k" in cli("run", "--block", "odd", "--help").out


@pytest.mark.parametrize(("odd", "said"), ODD)
def test_a_plugin_file_that_does_odd_things_is_named(cli: Cli, odd: str, said: str) -> None:
    Path("odd.py").write_text(FILE.format(odd=odd))
    done = cli("--plugin", "odd.py", "plugins", "list", "grouped", "--json")
    assert done.code == 0
    json.loads(done.out)
    (line,) = done.err.splitlines()
    assert line.startswith("netlab: plugin 'odd' (file:odd.py ")
    assert f"failed at import: {said}" in line
