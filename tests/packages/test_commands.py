"""Every command that a page shows is run, from an empty folder, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Environment, make_environment
from .pages import Command, odd_blocks, steps
from .promises import keeps_promise
from .reader import ROOT, Reader

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("run", "photographs", "metrics", "compare", "detection")),
    *sorted(ROOT.glob("docs/plugins/*.md")),
    *(
        ROOT / "examples" / f"netlab-plugin-{name}" / "README.md"
        for name in ("attention", "centre-surround", "ema", "robust", "squeeze-excite")
    ),
]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Somebody with an empty folder."""

    def environment() -> Environment:
        return make_environment(tmp_path / "environment")

    return Reader(tmp_path / "page", environment)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_followed_and_keeps_its_promises(name: str, reader: Reader) -> None:
    reader.follow(ROOT / name)


def test_what_is_not_run_is_counted_and_has_a_reason() -> None:
    """One more is a decision: the command that you add to a page should be one that a test can run."""
    shown = [step for page in PAGES for step in steps(page) if isinstance(step, Command)]
    left_out = [command for command in shown if command.reason is not None]
    assert len(shown) > 60
    assert len(left_out) == 40, [command.shown for command in left_out]
    assert all(len((command.reason or "").split()) > 2 for command in left_out)


@pytest.mark.parametrize("name", NAMES)
def test_every_block_says_what_it_is(name: str) -> None:
    assert odd_blocks(ROOT / name) == []


def test_output_that_a_page_shows_must_have_been_printed() -> None:
    assert keeps_promise("a  b\nc\n", "a ...\nc\n")
    assert keeps_promise("x\nfailed 3\nmore\n", "...\nfailed 3\n...\n")
    assert keeps_promise("failed 3\n", "...\nfailed 3\n...\n")
    assert not keeps_promise("a b c\n", "a ... d\n")
    assert not keeps_promise("something\n", "")
    assert not keeps_promise("", "something\n")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("test accuracy  0.9806", "test accuracy  0.9611"),  # another processor rounds otherwise
        ("conv1  32,768  0.9225 .861–.961", "conv1  32,768  0.9147 .844–.960"),
        (
            "epoch 1/3  loss 1.145  val 0.782*  439 images/s  3.0 s",
            "epoch 1/3  loss 1.2  val 0.79  6 images/s  200.6 s",
        ),
        ("run  runs/digits-s0-d712bc", "run  runs/digits-s0-a00001"),
        ("360 test images; cpu, bf16", "360 test images; cpu, fp32"),
        ("light import  12 ms", "light import  ... ms"),
    ],
)
def test_figures_that_depend_on_the_machine_are_free(printed: str, shown: str) -> None:
    assert keeps_promise(printed, shown)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("test accuracy  0.90", "test accuracy  0.98"),
        ("conv1  8,192", "conv1  32,768"),
        ("13 checks passed", "14 checks passed"),
        ("epoch 1/12", "epoch 1/16"),
        ("netlab 0.1.0", "netlab 0.2.0"),
        ("1 cat", "1 dog"),
    ],
)
def test_figures_that_do_not_are_compared(printed: str, shown: str) -> None:
    assert not keeps_promise(printed, shown)
    if shown[-1].isdigit() and "." not in shown:
        assert keeps_promise(printed, shown, figures=False)
