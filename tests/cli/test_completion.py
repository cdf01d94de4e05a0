"""What a shell offers after TAB: commands, the names of parts, and the flags of the parts that were named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.cli.app import main
from netlab.testing.distributions import write_distribution

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Complete:
    """What bash is offered for a line, up to the cursor at its end."""
    monkeypatch.chdir(tmp_path)

    def offered(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_NETLAB_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setattr(sys, "argv", ["netlab"])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.split()

    return offered


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("netlab plu", ["plugins"]),
        ("netlab plugins sh", ["show"]),
        ("netlab plugins show group", ["grouped"]),
        ("netlab plugins list group", ["grouped"]),
        ("netlab plugins check dataset", ["datasets"]),
        ("netlab plugins list --kind back", ["backbone"]),
        ("netlab plugins new mine --kind prop", ["proposer"]),
        ("netlab run --block gr", ["grouped"]),
        ("netlab run --data cifar", ["cifar10", "cifar100"]),
        ("netlab run --backbone res", ["resnet"]),
        ("netlab run --norm g", ["gn"]),
        ("netlab summary --block resid", ["residual"]),
        ("netlab sweep --block residual,gr", ["residual,grouped"]),
        ("netlab sweep --metrics si,cs", ["si,csi", "si,csi-loo"]),
        ("netlab metrics silh", ["silhouette"]),
        ("netlab metrics si cs", ["csi", "csi-loo"]),
        ("netlab metrics si --data dig", ["digits"]),
        ("netlab detect tr", ["train"]),
        ("netlab detect train VOC --proposer sliding", ["sliding-window"]),
        ("netlab detect train VOC --backbone mobile", ["mobilenet_v2"]),
        ("netlab detect crops VOC --proposer edge", ["edge-boxes"]),
        ("netlab detect proposals --proposer sliding-window,edge", ["sliding-window,edge-boxes"]),
    ],
)
def test_names_are_completed(complete: Complete, line: str, expected: list[str]) -> None:
    assert complete(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("netlab run --block grouped --block.pa", ["--block.paths"]),
        ("netlab run --block grouped --path", ["--paths"]),
        ("netlab run --block grouped --paths 4 --norm gn --norm.gr", ["--norm.groups"]),
        ("netlab run --block residual --no-sk", ["--no-skip"]),
        ("netlab run --block residual --activation re", ["relu"]),
        ("netlab summary --backbone resnet --backbone.de", ["--backbone.depth"]),
        ("netlab sweep --block grouped --block.pa", ["--block.paths"]),
        ("netlab metrics high-order-si --or", ["--order"]),
        ("netlab detect train VOC --proposer selective-search --proposer.mo", ["--proposer.mode"]),
    ],
)
def test_the_flags_of_the_named_parts_are_completed(
    complete: Complete, line: str, expected: list[str]
) -> None:
    assert complete(line) == expected


def test_flags_of_parts_that_were_not_named_are_not_offered(complete: Complete) -> None:
    assert complete("netlab run --block residual --block.pa") == []


def test_a_line_that_is_wrong_before_the_cursor_is_completed_all_the_same(complete: Complete) -> None:
    assert complete("netlab run --block nonsense --no-chan") == ["--no-channels-last"]


def test_clashing_names_are_offered_in_full_and_a_broken_plugin_is_silent(
    complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clash_plugin.py").write_text(
        "from netlab.specs import ComponentSpec, hookimpl\n"
        "@hookimpl\ndef netlab_components():\n"
        "    yield ComponentSpec('block', 'grouped', 'Another', 'json:loads')\n"
    )
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('boom')\n")
    points = {"netlab.v1": {"clash": "clash_plugin", "broken": "broken_plugin"}}
    write_distribution(tmp_path, "another", "1.0", points)
    assert complete("netlab run --block gr") == ["grouped@another", "grouped@netlab-vision"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same_with_its_summary(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NETLAB_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "netlab run --block grou")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setattr(sys, "argv", ["netlab"])
    with pytest.raises(SystemExit):
        main()
    offered = capsys.readouterr().out
    assert "grouped" in offered
    assert "Parallel paths" in offered


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@needs_bash
def test_bash_itself_completes_with_the_installed_script(tmp_path: Path) -> None:
    """In a home folder of its own: installed, read by a new shell, and asked as the TAB key asks."""
    netlab = tmp_path / "netlab"
    netlab.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m netlab "$@"\n')
    netlab.chmod(0o755)
    environment = os.environ | {"HOME": str(tmp_path), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    script = """
        netlab --install-completion bash >/dev/null && source ~/.bashrc
        complete -p netlab
        COMP_WORDS=(netlab run --block gr); COMP_CWORD=3
        _netlab_completion netlab; printf '%s\\n' "${COMPREPLY[@]}"
        COMP_WORDS=(netlab run --block grouped --block.); COMP_CWORD=4
        _netlab_completion netlab; printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["complete -o default -F _netlab_completion netlab", "grouped"], done.stderr
    assert "--block.paths" in lines[2:]
