"""Text from outside is data: shown as it is, never read as markup, never obeyed by the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netlab.cli.core.console import plain_table, terminal, titled
from netlab.visible import visible
from tests.cli.conftest import Install, sound
from tests.conftest import Cli

EVIL = "[/cat][red]\x1b]0;owned\x07\x1b[2J\u202egpj\r:smile:"
HARMLESS = r"[/cat][red]\x1b]0;owned\x07\x1b[2J\u202egpj\r:smile:"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [cat] ± ü 漢", "plain [cat] ± ü 漢"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        (EVIL, HARMLESS),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("name\udcff.jpg", r"name\udcff.jpg"),  # a byte of a file name that is no UTF-8
    ],
)
def test_control_characters_are_written_out_and_all_else_stays(text: str, shown: str) -> None:
    assert visible(text) == shown
    shown.encode()  # can be printed anywhere


def test_whatever_is_printed_on_the_terminal_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    console = terminal()
    table = plain_table(EVIL, title=EVIL)
    table.add_row(EVIL)
    for line in (EVIL, table, titled(EVIL, EVIL)):
        console.print(line, soft_wrap=True)
    out = capsys.readouterr().out
    assert out.count(HARMLESS) == 6
    assert not set(out) & set("\x1b\x07\r\u202e")


def classes(folder: Path, *names: str) -> Path:
    """A folder data set of these classes, with a few images each."""
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in names:
            (folder / part / name).mkdir(parents=True)
            for number in range(6):
                pixels = generator.integers(0, 256, (24, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")
    return folder


def test_classes_and_files_with_markup_and_escapes_train_and_predict(
    cli: Cli, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    names = ("[cat]", "\x1b[2Jdog")
    data = classes(tmp_path / "data", *names)
    words = [word for word in tiny if word != "--data.size"]
    words.remove("24")
    trained = cli(
        "run",
        "--data",
        "folder",
        "--data.path",
        data,
        "--data.size",
        "24",
        *words,
        "--epochs",
        "1",
        "--name",
        "r",
    )
    assert trained.code == 0, trained.err
    image = tmp_path / "[bold]\x1b[31m.png"
    Image.new("RGB", (24, 24)).save(image)
    (tmp_path / "\x1b[5m.png").write_text("no image")
    predicted = cli("predict", image, "--run", "r", "--top", 2)
    assert predicted.code == 0, predicted.err
    flat = "".join(predicted.out.split())
    assert "[cat]" in flat
    assert r"\x1b[2Jdog" in flat
    assert r"[bold]\x1b[31m.png" in flat
    refused = cli("predict", tmp_path / "\x1b[5m.png", "--run", "r")
    assert refused.code != 0
    measured = cli("metrics", "csi", "--run", "r", "--per-class")
    assert measured.code == 0, measured.err
    for outcome in (trained, predicted, refused, measured):
        assert "\x1b" not in outcome.out + outcome.err


def test_what_a_plugin_says_of_itself_is_harmless(cli: Cli, install: Install) -> None:
    code = sound("evil", target="netlab_builtin.blocks.residual:ResidualBlock",
                 options="netlab_builtin.blocks.options:ResidualOptions")  # fmt: skip
    install("evil", code.replace('"A part"', repr(f"Evil {EVIL}")))
    install("raises", f"raise RuntimeError({EVIL!r})")
    for words in (("plugins", "list"), ("plugins", "show", "evil"), ("run", "--block", "evil", "--help")):
        outcome = cli(*words)
        assert outcome.code == 0, outcome.err
        assert not set(outcome.out + outcome.err) & set("\x1b\x07\r\u202e")
    assert HARMLESS.replace(r"\r", " ") in outcome.err
