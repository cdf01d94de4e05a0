"""What was answered before is answered again to the byte, until something changes that it was made from."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import netlab.cli.app
from netlab.cli import start
from netlab.cli.commands import NAMES
from netlab.cli.detect.app import SUBCOMMANDS as DETECT
from netlab.cli.plugins.app import SUBCOMMANDS as PLUGINS
from netlab.testing.distributions import write_distribution
from tests.cli.conftest import sound

QUESTIONS = [
    [],
    ["--help"],
    *([name, "--help"] for name in NAMES),
    *(["plugins", sub.name, "--help"] for sub in PLUGINS),
    *(["detect", sub.name, "-h"] for sub in DETECT),
    ["run", "--block", "grouped", "--paths", "4", "--help"],
    ["plugins", "list"],
    ["plugins", "list", "--json"],
    ["plugins", "list", "--kind", "block"],
    ["metrics", "--list"],
    ["metrics", "si", "--list", "--json"],
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NETLAB_PLUGIN_CACHE", raising=False)
    return tmp_path / "cache" / "kept"


def said(capfd: pytest.CaptureFixture[str], words: list[str]) -> tuple[str, int]:
    code = start.answer(words)
    return capfd.readouterr().out, code


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_an_answer_is_the_same_to_the_byte(
    words: list[str], cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["netlab", *words])
    assert start.is_question(words)
    run, expected = netlab.cli.app.run, {}
    for width in ("60", "80", "133"):
        monkeypatch.setenv("COLUMNS", width)
        capfd.readouterr()
        code = run(words).exit_code
        expected[width] = capfd.readouterr().out, code
        made = said(capfd, words)
        if words == ["plugins", "list", "--json"]:  # it says how long imports took
            expected[width] = made
        assert made == expected[width]
    if "--help" in words:
        assert len(set(expected.values())) > 1
    monkeypatch.setattr(netlab.cli.app, "run", None)  # from here on nothing can be made
    for width, before in expected.items():
        monkeypatch.setenv("COLUMNS", width)
        assert said(capfd, words) == before


def test_what_does_more_than_answer_is_done_each_time(
    cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["plugins", "freeze", "--runs", "--help"]  # here --help is the name of a folder
    monkeypatch.setattr(sys, "argv", ["netlab", *words])
    assert start.is_question(words)
    assert "netlab-vision" in said(capfd, words)[0]
    assert not list(cache.parent.rglob("answers*"))


@pytest.mark.parametrize(
    "words", [["run"], ["metrics", "si"], ["--install-completion", "--help"], ["plugins", "check"]]
)
def test_what_is_no_question_is_not_even_looked_for(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not start.is_question(words)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def call(site: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, with a cache beside ``site``, in an empty folder."""
    here = site.parent / "here"
    here.mkdir(exist_ok=True)
    more = {"PYTHONPATH": str(site), "NETLAB_CACHE": str(site.parent / "cache"), **environment}
    return subprocess.run(
        [sys.executable, "-P", "-m", "netlab", *words],
        env=os.environ | more, cwd=here, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def kept_answers(site: Path) -> list[Path]:
    return sorted((site.parent / "cache" / "kept").glob("answers-*"))


def settled_call(site: Path, *words: str) -> str:
    """The output of a call when all files are old enough to be relied on; it is kept then."""
    time.sleep(1.1)
    before = len(kept_answers(site))
    done = call(site, *words)
    assert done.stderr == ""
    assert len(kept_answers(site)) == before + 1
    assert call(site, *words).stdout == done.stdout
    return done.stdout


def test_another_plugin_other_parts_and_settings_are_noticed(site: Path) -> None:
    def install(name: str, part: str) -> None:
        (site / f"{name}.py").write_text(sound(part))
        write_distribution(site, name, "1.0", {"netlab.v1": {name: name}})

    words = ("plugins", "list", "--kind", "block")
    install("first", "one")
    assert "one" in settled_call(site, *words)
    install("first", "two")
    assert "two" in call(site, *words).stdout
    install("second", "three")
    assert "three" in call(site, *words).stdout
    shutil.rmtree(site / "second-1.0.dist-info")
    assert "three" not in call(site, *words).stdout
    (site.parent / "here" / "netlab.toml").write_text('[plugins]\ndisable = ["first"]\n')
    assert "plugin 'first' (first 1.0): blocked" in call(site, *words).stdout


def test_a_plugin_that_fails_is_said_to_each_time(site: Path) -> None:
    (site / "broken.py").write_text("raise RuntimeError('boom')\n")
    write_distribution(site, "broken", "1.0", {"netlab.v1": {"broken": "broken"}})
    time.sleep(1.1)
    for _ in range(2):
        assert "failed at import: RuntimeError: boom" in call(site, "--help").stderr
    assert kept_answers(site) == []


def test_a_change_of_netlab_itself_is_noticed(site: Path) -> None:
    root = Path(netlab.cli.app.__file__).parents[2]
    for package in (root / "netlab", root / "plugins" / "netlab_builtin"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, site / package.name, ignore=ignored)
    assert "Assemble a network" in settled_call(site, "--help")
    table = site / "netlab" / "cli" / "commands.py"
    table.write_text(table.read_text().replace("Assemble a network", "Put together one"))
    assert "Put together one" in call(site, "--help").stdout


def test_no_value_of_a_variable_is_written(site: Path) -> None:
    call(site, "--help", A_TOKEN="a-secret-value")
    time.sleep(1.1)
    call(site, "--help", A_TOKEN="a-secret-value")
    (path,) = kept_answers(site)
    assert "a-secret-value" not in path.read_text()


def test_a_completion_is_kept_too(site: Path) -> None:
    asking = {"_NETLAB_COMPLETE": "complete_bash", "COMP_WORDS": "netlab run --block gr", "COMP_CWORD": "3"}
    first = call(site, **asking)
    assert first.stdout.split() == ["grouped"]
    assert len(kept_answers(site)) == 1
    assert call(site, **asking).stdout == first.stdout
    other = {**asking, "COMP_WORDS": "netlab run --block resid"}
    assert call(site, **other).stdout.split() == ["residual"]


def on_a_terminal(site: Path, **environment: str) -> bytes:
    """What ``netlab --help`` writes to a terminal."""
    master, terminal = pty.openpty()
    more = {"NETLAB_CACHE": str(site.parent / "cache"), "TERM": "xterm-256color", **environment}
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | more
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "netlab", "plugins", "list", "--kind", "norm"],
        stdin=terminal, stdout=terminal, stderr=terminal, env=variables,
    )  # fmt: skip
    os.close(terminal)
    written = b""
    try:
        while chunk := os.read(master, 4096):
            written += chunk
    except OSError:  # the other end is closed
        pass
    assert child.wait(60) == 0
    os.close(master)
    return written


def test_a_terminal_is_given_its_colours(site: Path) -> None:
    made = on_a_terminal(site, NETLAB_PLUGIN_CACHE="0")
    first, second = on_a_terminal(site), on_a_terminal(site)
    assert b"\x1b[1m" in made
    assert len(kept_answers(site)) == 1
    assert made == first == second
    assert b"\x1b" not in call(site, "plugins", "list", "--kind", "norm").stdout.encode()
