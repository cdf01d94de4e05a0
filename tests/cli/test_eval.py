"""``netlab eval``: labelled images, counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.conftest import Cli


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    data = load_digits()
    for number in range(40):
        place = tmp_path / "labelled" / str(data.target[number])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((data.images[number] * 15.9).astype("uint8")).resize((24, 24)).save(
            place / f"{number}.png"
        )
    return tmp_path / "labelled"


def test_a_folder_is_counted_and_a_bad_image_named(cli: Cli, tiny: tuple[str, ...], digits: Path) -> None:
    assert cli("run", "--name", "r", *tiny).code == 0
    found = json.loads(cli("eval", digits, "--json").out)
    assert found["images"] == 40
    assert len(found["confusion"]) == 10
    assert set(found["classes"]["3"]) >= {"precision", "recall", "recall_interval", "images"}
    shown = cli("eval", digits, "--run", "r")
    assert shown.code == 0
    assert "balanced accuracy" in shown.out
    (digits / "3" / "bad.png").write_bytes(b"no image")
    bad = cli("eval", digits, "--json")
    assert bad.code == 1
    assert json.loads(bad.out)["images"] == 40
    assert "bad.png" in bad.err


def test_without_a_source_the_runs_own_test_images_are_counted(cli: Cli, tiny: tuple[str, ...]) -> None:
    cli("run", "--name", "r", *tiny)
    result = json.loads(Path("runs/r/result.json").read_text())
    found = json.loads(cli("eval", "--json").out)
    assert found["accuracy"] == pytest.approx(result["test_accuracy"])


def test_another_class_and_no_folder_are_refused_in_a_line(
    cli: Cli, tiny: tuple[str, ...], digits: Path
) -> None:
    cli("run", "--name", "r", *tiny)
    (digits / "3").rename(digits / "three")
    outcome = cli("eval", digits)
    assert (outcome.code, outcome.out) == (2, "")
    assert "knows no class 'three'" in outcome.err
    assert "there is no folder" in cli("eval", "nowhere").err
