"""The commands end to end, on photographs with pasted digits and random extractor weights."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from netlab.cli.core.progress import TerminalReporter
from tests.conftest import unlisted
from tests.detection.conftest import QUICK

from .conftest import annotation, box_xml


def test_a_run_directory_is_complete(trained: Path):
    names = {path.name for path in trained.iterdir()}
    assert {
        "config.toml", "environment.json", "history.csv", "result.json", "model.toml", "model.safetensors",
        "split.json", "plots", "checkpoints",
    } <= names  # fmt: skip
    assert "features" not in names
    assert {"curves.png", "precision_recall.png"} <= {path.name for path in (trained / "plots").iterdir()}
    result = json.loads((trained / "result.json").read_text())
    assert result["class_names"] == ["seven", "three"]
    assert set(result["confidence"]) == {"seven", "three"}
    assert set(result["per_class"]) == {"seven", "three"}
    assert result["training_images"] == 10


def test_the_model_says_what_it_is_made_of(trained: Path):
    model = tomllib.loads((trained / "model.toml").read_text())
    assert model["classes"] == ["seven", "three"]
    assert model["proposer"]["name"] == "selective-search"
    assert model["proposer"]["options"]["mode"] == "fast"
    proposer = next(part for part in model["suppliers"] if part["kind"] == "proposer")
    assert (proposer["name"], proposer["distribution"]) == ("selective-search", "netlab-vision")
    assert proposer["version"]
    assert len(proposer["sha256"]) == 64
    assert model["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


def test_a_finished_run_is_not_trained_again(cli: Any, scenes: Path, trained: Path):
    again = cli("detect", "train", scenes, *QUICK, "--detectors", trained.parent, "--name", "run")
    assert again.code == 2
    assert "finished" in again.err


def test_other_settings_under_the_same_name_are_refused(cli: Any, scenes: Path, trained: Path):
    other = cli(
        "detect", "train", scenes, *QUICK, "--detectors", trained.parent, "--name", "run", "--lr", "0.5"
    )
    assert other.code == 2
    assert "training.lr: 0.002 -> 0.5" in other.err


def test_an_interrupted_run_resumes_to_the_same_head(
    cli: Any, scenes: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(self: Any, row: dict[str, float], *, is_best: bool) -> None:
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    words = ("detect", "train", scenes, *QUICK, "--detectors", tmp_path, "--name", "again", "--quiet")
    with monkeypatch.context() as patched:
        patched.setattr(TerminalReporter, "epoch", interrupt)
        assert cli(*words).code == 130
    assert not (tmp_path / "again" / "model.toml").exists()
    assert cli(*words).code == 0
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        trained / "model.safetensors"
    ).read_bytes()


def test_predict_writes_every_format(cli: Any, scenes: Path, trained: Path, tmp_path: Path):
    images = scenes / "JPEGImages"
    done = cli(
        "detect", "predict", images / "scene_0000.jpg", images / "scene_001*.jpg", "--model", trained,
        "--save", "image,json", "--save", "coco,csv,yolo,voc", "--out", tmp_path / "out", "--no-cache",
        "--confidence", "0.2",
    )  # fmt: skip
    assert done.code == 0, done.err
    rows = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert len(rows) == 5
    found = sum(len(row["detections"]) for row in rows)
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert len(coco["annotations"]) == found > 0
    assert len(list((tmp_path / "out" / "images").glob("*.png"))) == 5
    assert "5 images" in done.out


def test_predict_gives_the_same_detections_twice(cli: Any, scenes: Path, trained: Path):
    words = (
        "detect",
        "predict",
        scenes / "JPEGImages" / "scene_0001.jpg",
        "--model",
        trained,
        "--save",
        "none",
    )
    first, second = (cli(*words, "--json", "--no-cache").out for _ in range(2))
    assert first == second
    assert json.loads(first)["width"] == 120


def test_predict_filters_classes_and_confidence(cli: Any, scenes: Path, trained: Path):
    words = (
        "detect", "predict", scenes / "JPEGImages", "--model", trained, "--save", "none", "--json", "--no-cache",
    )  # fmt: skip
    rows = [
        json.loads(line)
        for line in cli(
            *words, "--classes", "three", "--confidence", "0.3", "--max-detections", "2"
        ).out.splitlines()
    ]
    found = [item for row in rows for item in row["detections"]]
    assert found
    assert {item["class"] for item in found} == {"three"}
    assert min(item["score"] for item in found) >= 0.3
    assert max(len(row["detections"]) for row in rows) <= 2


def test_predict_goes_on_after_a_damaged_image_and_exits_1(
    cli: Any, scenes: Path, trained: Path, tmp_path: Path
):
    shutil.copy(scenes / "JPEGImages" / "scene_0001.jpg", tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:300])
    done = cli("detect", "predict", tmp_path, "--model", trained, "--save", "csv", "--no-cache")
    assert done.code == 1
    assert "bad.jpg is damaged" in done.err
    assert "1 image" in done.out
    assert (tmp_path / "detections" / "detections.csv").exists()


def test_predict_on_images_of_every_kind(cli: Any, trained: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "grey.png"), rng.integers(0, 256, (40, 50), np.uint8))
    cv2.imwrite(str(tmp_path / "clear.png"), rng.integers(0, 256, (40, 50, 4), np.uint8))
    cv2.imwrite(str(tmp_path / "deep.png"), rng.integers(0, 65536, (40, 50, 3), np.uint16))
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((40, 50, 3), 7, np.uint8))
    done = cli("detect", "predict", tmp_path, "--model", trained, "--save", "json", "--no-cache")
    assert done.code == 0, done.err
    assert "5 images" in done.out


def test_a_model_whose_parts_have_changed_is_refused_unless_told_otherwise(
    cli: Any, scenes: Path, trained: Path, tmp_path: Path
):
    shutil.copytree(trained, tmp_path / "old")
    model = unlisted(tmp_path / "old") / "model.toml"
    model.write_text(re.sub(r'(?<=\nsha256 = ")\w{8}', "01234567", model.read_text(), count=1))
    words = (
        "detect", "predict", scenes / "JPEGImages" / "scene_0001.jpg", "--model", tmp_path / "old", "--no-cache",
        "--save", "none",
    )  # fmt: skip
    refused = cli(*words)
    assert refused.code == 2
    (line,) = refused.err.splitlines()
    assert "has changed since detector 'old' was trained: netlab-vision" in line
    assert "(sha256 01234567) -> " in line
    assert "--accept-changed-parts" in line
    allowed = cli(*words, "--accept-changed-parts")
    assert allowed.code == 0
    assert "netlab: warning: " in allowed.err
    assert "sha256 01234567" in allowed.err
    (*_, last) = json.loads((tmp_path / "old" / "sessions.json").read_text())
    assert last["what"] == "use"
    assert "sha256 01234567" in last["accepted_changes"][0]


@pytest.mark.parametrize("file", ["model.safetensors", "model.toml"])
def test_a_damaged_model_is_one_clear_error(cli: Any, scenes: Path, trained: Path, tmp_path: Path, file: str):
    shutil.copytree(trained, tmp_path / "cut")
    path = tmp_path / "cut" / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = cli("detect", "predict", scenes / "JPEGImages", "--model", tmp_path / "cut")
    assert done.code in (1, 2)
    assert file in done.err or "damaged" in done.err
    assert "Traceback" not in done.err


def test_eval_prints_json_and_draws(cli: Any, scenes: Path, trained: Path, tmp_path: Path):
    done = cli(
        "detect", "eval", scenes, "--model", trained, "--json", "--out", tmp_path / "eval", "--no-cache"
    )
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert {"ap50", "ap", "ap75", "voc2007", "per_class"} <= result.keys()
    assert result["images"] == 4
    saved = json.loads((trained / "result.json").read_text())
    assert result["ap50"] == pytest.approx(saved["ap50"])
    assert {"precision_recall.png", "misses.png"} <= {path.name for path in (tmp_path / "eval").iterdir()}


def test_eval_warns_of_images_that_were_trained_on(cli: Any, scenes: Path, trained: Path, tmp_path: Path):
    done = cli(
        "detect", "eval", scenes, "--model", trained, "--split", "all", "--out", tmp_path / "e", "--no-cache"
    )
    assert "10 of 14 images were trained on" in done.err
    assert "three" in done.out


def test_eval_of_a_flat_folder_uses_the_images_held_out_in_training(cli: Any, scenes: Path, tmp_path: Path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*(scenes / "JPEGImages").iterdir(), *(scenes / "Annotations").iterdir()):
        shutil.copy(path, flat)
    train = cli(
        "detect", "train", flat, *QUICK, "--epochs", "1", "--name", "flat", "--detectors", "r", "--quiet"
    )
    assert train.code == 0, train.err
    held_out = json.loads(Path("r/flat/split.json").read_text())["val"]
    done = cli("detect", "eval", flat, "--model", "flat", "--detectors", "r", "--json", "--no-cache")
    assert json.loads(done.out)["images"] == len(held_out) == 3
    assert "trained on" not in done.err


def test_proposals_measures_proposers_side_by_side(cli: Any, scenes: Path):
    done = cli(
        "detect", "proposals", "--evaluate", scenes, "--proposer", "selective-search,sliding-window",
        "--long-side", "120", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    proposers = json.loads(done.out)["proposers"]
    assert [row["proposer"] for row in proposers] == ["selective-search", "sliding-window"]
    rows = proposers[0]["rows"]
    assert [row["limit"] for row in rows] == [100, 500, 1000, 2000]
    recalls = [row["recall50"] for row in rows]
    assert recalls == sorted(recalls)
    assert recalls[-1] > 0.9
    assert all(row["recall70"] <= row["recall50"] for row in rows)


def test_proposals_prints_boxes_and_draws_them(cli: Any, scenes: Path, tmp_path: Path):
    done = cli(
        "detect", "proposals", scenes / "JPEGImages" / "scene_0000.jpg", "--limit", "7", "--long-side", "120",
        "--json", "--draw", tmp_path / "drawn",
    )  # fmt: skip
    assert len(json.loads(done.out)["boxes"]) == 7
    assert (tmp_path / "drawn" / "scene_0000.selective-search.png").exists()


def test_proposers_take_their_own_flags(cli: Any, scenes: Path):
    image = scenes / "JPEGImages" / "scene_0000.jpg"
    words = ("detect", "proposals", image, "--json", "--proposer", "sliding-window", "--stride")
    few, many = (len(json.loads(cli(*words, stride).out)["boxes"]) for stride in ("0.5", "0.2"))
    assert few < many
    wrong = cli("detect", "proposals", image, "--stride", "0.5")
    assert wrong.code == 2
    assert "belongs to proposer 'sliding-window'" in wrong.err


def test_crops_are_split_by_image_and_class(cli: Any, scenes: Path, tmp_path: Path):
    done = cli(
        "detect",
        "crops",
        scenes,
        "--out",
        tmp_path / "crops",
        "--background",
        "5",
        "--no-cache",
        "--long-side",
        "120",
    )
    assert done.code == 0, done.err
    for split in ("train", "val"):
        kinds = {path.name for path in (tmp_path / "crops" / split).iterdir()}
        assert kinds == {"three", "seven", "background"}
    assert len(list((tmp_path / "crops" / "train" / "background").iterdir())) <= 50


def test_crops_of_a_class_with_a_wicked_name_stay_in_the_folder(cli: Any, voc: Any, tmp_path: Path):
    folder = voc({"a": annotation(box_xml("../../../escaped", (5, 5, 30, 25)))})
    done = cli("detect", "crops", folder, "--out", tmp_path / "out" / "crops", "--no-cache")
    assert done.code == 0, done.err
    assert not list(tmp_path.parent.rglob("escaped*"))
    assert list((tmp_path / "out" / "crops").rglob("*escaped/*.png"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "nowhere", "--weights", "none"), "there is no folder nowhere"),
        (("train", "{scenes}", "--weights", "none", "--classes", "thre"), "Did you mean 'three'"),
        (("train", "{scenes}", "--weights", "gone.safetensors"), "no weights file gone.safetensors"),
        (("train", "{scenes}", "--weights", "none", "--proposer", "selektive-search"), "selective-search"),
        (("train", "{scenes}", "--weights", "none", "--lr", "-1"), "--lr"),
        (("train", "{scenes}", "--weights", "none", "--name", ""), "--name '': a name is one folder's name"),
        (("train", "{scenes}", "--weights", "none", "--name", "../up"), "--name '../up'"),
        (("predict", "{scenes}", "--model", "nothing"), "there is no run 'nothing'"),
        (("predict", "{scenes}/JPEGImages", "--model", "{run}", "--save", "pdf"), "--save pdf"),
        (("predict", "{scenes}/JPEGImages", "--model", "{run}", "--classes", "tree"), "no class 'tree'"),
        (("predict", "gone.jpg", "--model", "{run}"), "there is no file or folder gone.jpg"),
        (("proposals",), "name images"),
    ],
)
def test_wrong_words_are_one_clear_line_and_exit_2(
    cli: Any, scenes: Path, trained: Path, words: tuple[str, ...], said: str
):
    done = cli("detect", *(word.format(scenes=scenes, run=trained) for word in words))
    assert done.code == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_data_set_with_bad_files_trains_on_the_rest(cli: Any, scenes: Path, tmp_path: Path):
    messy = tmp_path / "messy"
    shutil.copytree(scenes, messy)
    (messy / "Annotations" / "scene_0000.xml").write_text("<annotation>")
    (messy / "JPEGImages" / "scene_0001.jpg").unlink()
    picture = messy / "JPEGImages" / "scene_0002.jpg"
    picture.write_bytes(picture.read_bytes()[:-400])
    cv2.imwrite(str(messy / "JPEGImages" / "scene_0003.jpg"), np.full((90, 120, 3), 90, np.uint8))
    cv2.imwrite(str(messy / "JPEGImages" / "dot.jpg"), np.zeros((2, 2, 3), np.uint8))
    (messy / "Annotations" / "dot.xml").write_text(annotation(box_xml("three", (0, 0, 2, 2))))
    with (messy / "ImageSets" / "Main" / "train.txt").open("a") as names:
        names.write("dot\n")
    done = cli("detect", "train", messy, *QUICK, "--epochs", "1", "--name", "m", "--quiet")
    assert done.code == 0, done.err
    for name in ("scene_0000", "scene_0001", "scene_0002.jpg is damaged", "no proposals for"):
        assert name in done.err


def test_zero_positives_is_one_clear_error(cli: Any, voc: Any):
    folder = voc(
        {f"i{k}": annotation(*([box_xml("cat", (5, 5, 30, 25))] if k == 0 else [])) for k in range(4)}
    )
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "val.txt").write_text("i0\n")
    (sets / "train.txt").write_text("i1\ni2\ni3\n")
    done = cli("detect", "train", folder, *QUICK, "--quiet")
    assert done.code == 2
    assert "no region is positive" in done.err


def test_without_validation_images_the_threshold_is_a_half(cli: Any, scenes: Path, tmp_path: Path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for k in range(2):
        shutil.copy(scenes / "JPEGImages" / f"scene_000{k}.jpg", flat)
        shutil.copy(scenes / "Annotations" / f"scene_000{k}.xml", flat)
    done = cli(
        "detect", "train", flat, *QUICK, "--epochs", "1", "--validation", "0", "--name", "all", "--detectors", tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "no validation images" in done.err
    result = json.loads((tmp_path / "all" / "result.json").read_text())
    assert result["ap50"] is None
    assert set(result["confidence"].values()) == {0.5}


def test_class_weights_and_no_hard_negatives_train_too(cli: Any, scenes: Path, tmp_path: Path):
    done = cli(
        "detect", "train", scenes, *QUICK, "--class-weights", "inverse", "--no-hard-negatives", "--no-flips",
        "--background-iou", "0.1", "--hidden", "8", "--name", "other", "--detectors", tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "hard negatives" not in done.out
    assert json.loads((tmp_path / "other" / "result.json").read_text())["hard_negatives"] == 0


def test_a_resumed_run_says_so(cli: Any, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(self: Any, row: dict[str, float], *, is_best: bool) -> None:
        raise KeyboardInterrupt

    words = ("detect", "train", scenes, *QUICK, "--epochs", "2", "--detectors", tmp_path, "--name", "again")
    with monkeypatch.context() as patched:
        patched.setattr(TerminalReporter, "epoch", interrupt)
        first = cli(*words)
    assert first.code == 130
    assert "resuming" not in first.out
    assert "resuming" in cli(*words).out


def test_the_cats_of_the_optional_data_are_found(cli: Any, shared: Path, tmp_path: Path):
    """A short training on real images; the figure is far below what a full one reaches."""
    words = (
        "detect", "train", shared / "data" / "cats-voc", "--detector", "rcnn", "--weights",
        shared / "weights" / "mobilenet_v2_features.safetensors", "--image-side", "320", "--long-side", "160",
        "--epochs", "3", "--limit", "150", "--no-flips", "--jitter", "6", "--no-cache", "--quiet", "--detectors", tmp_path,
    )  # fmt: skip
    done = cli(*words)
    assert done.code == 0, done.err
    assert json.loads(done.out)["ap50"] > 0.4
