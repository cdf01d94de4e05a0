"""``netlab predict``: a trained network classifies files, without the data that it was trained on."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from netlab.classification.restore import load_run
from netlab.engine.catalog import Catalog
from netlab.runs.directory import RunDirectory

Cli = Callable[..., Any]
TINY = ("--width", "4", "--epochs", "1", "--precision", "fp32", "--quiet")


def colour_data(path: Path) -> None:
    """Red, green and blue noise, 24 x 24, as an NPZ data set."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = rng.integers(0, 120, (240, 24, 24, 3), np.uint8)
    images[np.arange(240), :, :, labels] += 100
    np.savez(
        path,
        train_images=images[:180],
        train_labels=labels[:180],
        test_images=images[180:],
        test_labels=labels[180:],
        class_names=np.array(["red", "green", "blue"]),
    )


def predictions(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_files_get_the_classes_that_the_network_gives_their_pixels(
    cli: Cli, catalog: Catalog, tiny: tuple[str, ...]
) -> None:
    assert cli("run", "--norm", "bn", "--name", "digits", *tiny).code == 0
    trained = load_run(RunDirectory(Path("runs/digits")), catalog)
    images = trained.data.test.images[:70]  # more than a batch
    for number, image in enumerate(images):
        cv2.imwrite(f"{number:02d}.png", image[0].numpy())
    with torch.no_grad():
        expected = trained.network(trained.normalization(images)).softmax(1)
    found = predictions(cli("predict", "*.png", "--json", "--top", "10").out)
    assert [item["image"] for item in found] == [f"{number:02d}.png" for number in range(70)]
    assert [item["class"] for item in found] == [str(int(label)) for label in expected.argmax(1)]
    for item, probabilities in zip(found, expected, strict=True):
        by_class = {entry["class"]: entry["probability"] for entry in item["top"]}
        assert sum(by_class.values()) == pytest.approx(1, abs=1e-5)
        for label, probability in enumerate(probabilities.tolist()):
            assert by_class[str(label)] == pytest.approx(probability, abs=1e-4)


def test_the_data_may_be_gone_and_images_have_any_size(cli: Cli, tmp_path: Path) -> None:
    colour_data(tmp_path / "colours.npz")
    trained = cli("run", "--data", "npz", "--data.path", "colours.npz", "--norm", "bn", "--name", "c", *TINY)
    assert trained.code == 0, trained.err
    assert json.loads((tmp_path / "runs/c/result.json").read_text())["test_accuracy"] > 0.9
    (tmp_path / "colours.npz").unlink()
    shutil.move(tmp_path / "runs" / "c", tmp_path / "elsewhere")
    for name, colour in (("r", (200, 40, 40)), ("b", (40, 40, 200))):
        pixels = np.full((61, 97, 3), colour, np.uint8) + np.random.default_rng(0).integers(
            0, 50, (61, 97, 3), np.uint8
        )
        cv2.imwrite(f"{name}.png", pixels[:, :, ::-1])
    outcome = cli("predict", "r.png", "b.png", "--run", "elsewhere", "--out", "found.csv")
    assert outcome.code == 0, outcome.err
    rows = list(csv.DictReader(Path("found.csv").read_text().splitlines()))
    assert [(row["image"], row["rank"], row["class"]) for row in rows] == [
        ("r.png", "1", "red"),
        ("b.png", "1", "blue"),
    ]
    assert "written to found.csv" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_probabilities_of_a_network_that_ends_in_softmax_are_its_own(
    cli: Cli, catalog: Catalog, tiny: tuple[str, ...]
) -> None:
    assert cli("run", "--output", "softmax", "--name", "soft", *tiny).code == 0
    trained = load_run(RunDirectory(Path("runs/soft")), catalog)
    cv2.imwrite("one.png", trained.data.test.images[0, 0].numpy())
    (found,) = predictions(cli("predict", "one.png", "--json").out)
    with torch.no_grad():
        outputs = trained.network(trained.normalization(trained.data.test.images[:1]))
    assert found["probability"] == pytest.approx(float(outputs.max()), abs=1e-4)


def test_what_can_not_be_read_is_named_and_the_rest_is_classified(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "digits").code == 0
    cv2.imwrite("good.png", np.zeros((9, 9), np.uint8))
    Path("bad.png").write_text("no image")
    outcome = cli("predict", "bad.png", "good.png", "--json")
    assert outcome.code == 1
    assert [item["image"] for item in predictions(outcome.out)] == ["good.png"]
    assert "netlab: warning: bad.png is not an image that can be read" in outcome.err
    assert "netlab: error: 1 of 2 images could not be used" in outcome.err


def test_missing_files_are_counted_and_folders_are_gone_through(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "digits").code == 0
    Path("photos/deep").mkdir(parents=True)
    cv2.imwrite("photos/deep/one.png", np.zeros((9, 9), np.uint8))
    odd = Image.new("I;16", (9, 9))
    odd.save("photos/odd.tiff", tiffinfo={270: "a", 33432: "b" * 999, 65000: 1.5})
    outcome = cli("predict", "photos", "gone.png", "nothing/*.jpg", "--json", "--out", "found.json")
    assert outcome.code == 1
    named = ["photos/deep/one.png", "photos/odd.tiff"]
    assert [item["image"] for item in predictions(outcome.out)] == named
    assert json.loads(Path("found.json").read_text()) == predictions(outcome.out)
    assert "there is no file or folder gone.png" in outcome.err
    assert "2 of 4 images could not be used" in outcome.err
    assert cli("predict", "photos", "--out", "found.txt").code == 2


def test_images_are_copied_into_a_folder_a_class(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "digits").code == 0
    for folder, level in (("a", 0), ("b", 1), ("c, frame 1", 1)):  # which is no frame of a video
        Path("photos", folder).mkdir(parents=True)
        cv2.imwrite(f"photos/{folder}/same.png", np.full((9, 9), level, np.uint8))
    for _ in range(2):  # the second time nothing is to be done
        outcome = cli("predict", "photos", "--sort-into", "sorted")
        assert outcome.code == 0
        assert "copied to sorted: 3 images" in outcome.out
        copies = sorted(Path("sorted").rglob("*.png"))
        by_content = {path.read_bytes() for path in copies}
        assert len(copies) == len(by_content) == 2
    found = predictions(cli("predict", "photos", "--json").out)
    assert {path.parent.name for path in copies} == {item["class"] for item in found}
    assert len(list(Path("photos").rglob("*.png"))) == 3


def test_mirror_averages_the_logits_of_both(cli: Cli, catalog: Catalog, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "digits").code == 0
    trained = load_run(RunDirectory(Path("runs/digits")), catalog)
    image = trained.data.test.images[:1]
    cv2.imwrite("one.png", image[0, 0].numpy())
    (found,) = predictions(cli("predict", "one.png", "--json", "--mirror").out)
    with torch.no_grad():
        logits = [trained.network(trained.normalization(seen)) for seen in (image, image.flip(3))]
    assert found["probability"] == pytest.approx(
        float(torch.stack(logits).mean(0).softmax(1).max()), abs=1e-4
    )


def test_frames_of_a_video_are_images_too(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "digits").code == 0
    writer = cv2.VideoWriter("v.avi", cv2.VideoWriter.fourcc(*"MJPG"), 5, (32, 32))
    for level in (0, 100, 200):
        writer.write(np.full((32, 32, 3), level, np.uint8))
    writer.release()
    found = predictions(cli("predict", "v.avi", "--json", "--every", "2").out)
    assert [item["image"] for item in found] == ["v.avi, frame 0", "v.avi, frame 2"]


def test_wrong_use_is_one_line(cli: Cli, tiny: tuple[str, ...]) -> None:
    cv2.imwrite("good.png", np.zeros((9, 9), np.uint8))
    assert "no finished run in 'runs'" in cli("predict", "good.png").err
    assert cli("run", *tiny, "--name", "digits").code == 0
    assert "there is no file or folder nothing.png" in cli("predict", "nothing.png").err
    assert "Did you mean 'digits'?" in cli("predict", "good.png", "--run", "digit").err
    interface = Path("runs/digits/interface.json")
    interface.write_text('{"channels": 1}')
    damaged = cli("predict", "good.png")
    assert (damaged.code, damaged.err.count("\n")) == (1, 1)
    assert "interface.json is damaged" in damaged.err
    interface.unlink()
    older = cli("predict", "good.png")
    assert older.code == 2
    assert "has no interface.json" in older.err
