"""Detectors that are one network: views of images, how long they train, what is kept of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netlab.detection.boxes import iou_matrix
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.network import kept
from netlab.detection.training.augmentation import ImageAugmentation
from netlab.detection.training.network_settings import NetworkSettings, seconds_of, usual_budget
from netlab.detection.training.network_task import rise_and_cosine
from netlab.detection.training.plan import Plan, plan_of_budget

SMALL = (
    "--weights", "none", "--image-side", "96", "--batch-size", "2", "--least-steps", "2", "--channels", "16",
    "--detector.hidden", "16",
)  # fmt: skip
QUICK = (*SMALL, "--epochs", "2")


@pytest.fixture(scope="module")
def network(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the default detector."""
    from netlab.cli.app import main

    folder = tmp_path_factory.mktemp("detectors")
    with pytest.raises(SystemExit) as leaving:
        main(["detect", "train", str(scenes), *QUICK, "--detectors", str(folder), "--name", "run", "--quiet"])
    assert leaving.value.code == 0
    return folder / "run"


def squares(size: tuple[int, int], boxes: np.ndarray) -> np.ndarray:
    """Black, with each of three boxes filled in a colour of its own: red, green, blue."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for channel, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
        image[y1:y2, x1:x2, channel] = 255
    return image


def test_boxes_stay_on_what_they_hold() -> None:
    """Whatever is drawn, a box is where its square is in the view, to a pixel."""
    boxes = np.array([[10, 20, 50, 60], [90, 10, 130, 40], [60, 70, 120, 110]], np.float32)
    image = squares((150, 120), boxes)
    augment = ImageAugmentation(side=200, flip=True, zoom=0.7, colour=0.0)
    flipped = 0
    for seed in range(40):
        view, left, numbers = augment(image, boxes, np.random.default_rng(seed))
        assert view.shape == (160, 200, 3)
        assert len(left) == len(numbers) > 0
        for box, number in zip(left, numbers, strict=True):
            shown = view[..., number] > 128  # more than half of the pixel, and than the ground
            rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
            seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
            assert np.abs(seen - box).max() <= 1.0, (seed, seen, box)
        if {0, 1} <= set(numbers):
            flipped += left[list(numbers).index(0), 0] > left[list(numbers).index(1), 0]
    assert 0 < flipped < 40


def test_a_view_without_change_is_the_image() -> None:
    boxes = np.array([[10, 20, 50, 60]], np.float32)
    image = squares((150, 120), boxes)
    same = ImageAugmentation(side=150, flip=False, zoom=0.0, colour=0.0)
    view, left, numbers = same(image, boxes, np.random.default_rng(0))
    assert np.array_equal(view, image)
    assert np.array_equal(left, boxes)
    assert numbers.tolist() == [0]
    background, none, _ = same(image, np.empty((0, 4), np.float32), np.random.default_rng(0))
    assert none.shape == (0, 4)
    assert background.shape == image.shape


def test_colours_change_and_boxes_do_not() -> None:
    boxes = np.array([[10, 20, 50, 60]], np.float32)
    image = squares((150, 120), boxes) + np.uint8(40)
    view, left, _ = ImageAugmentation(150, False, 0.0, 0.4)(image, boxes, np.random.default_rng(1))
    assert not np.array_equal(view, image)
    assert np.array_equal(left, boxes)


def test_the_rule_keeps_what_is_sure_enough_and_suppresses_what_is_left() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [20, 20, 20.5, 40]], np.float32)
    labels, scores = np.array([1, 1, 2, 1]), np.array([0.9, 0.8, 0.3, 0.9], np.float32)
    rule = DetectRule(confidence={1: 0.5, 2: 0.4}, iou=1.0, refinements=0)
    assert kept(boxes, labels, scores, rule, 2).scores.tolist() == pytest.approx([0.9, 0.8])
    assert kept(boxes, labels, scores, replace(rule, iou=0.5), 2).scores.tolist() == pytest.approx([0.9])
    assert len(kept(boxes, labels, scores, replace(rule, confidence=0.95), 2)) == 0
    unknown = kept(boxes, np.array([0, 3, 2, 1]), scores, replace(rule, confidence=0.0), 2)
    assert unknown.labels.tolist() == [2]


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [rise_and_cosine(step, 200) for step in range(200)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert rates[9] == 1.0
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] < 1e-3
    assert rise_and_cosine(0, 1) == 1.0


def test_a_budget_is_a_time() -> None:
    assert [seconds_of(text) for text in ("90s", "1.5m", "2h")] == [90.0, 90.0, 7200.0]
    assert usual_budget(240) == pytest.approx(2 * usual_budget(60))
    with pytest.raises(ValueError, match="two ways to say how long"):
        NetworkSettings(epochs=3, budget="5m")


def test_the_last_epoch_is_measured() -> None:
    plan = Plan(epochs=7, measured_every=3, budget=None, seconds_per_epoch=None)
    assert [epoch for epoch in range(1, 8) if plan.measures(epoch)] == [3, 6, 7]


def test_a_plan_fits_what_is_left_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300 s 10 are spent since it began, at 50, and 2 go into one measurement: it is made every other epoch of 10 s."""
    from netlab.detection.training import plan as plans

    task = type("Task", (), {"steps_per_epoch": 20})
    monkeypatch.setattr(plans, "seconds_per_step", lambda *_: 0.5)

    def planned(budget: float) -> Plan:
        clock = iter([58.0, 59.0, 60.0])
        monkeypatch.setattr(plans, "seconds_spent", lambda device: next(clock))
        return plan_of_budget(budget, 50.0, task, None, lambda: 2.0, torch.device("cpu"))  # type: ignore[arg-type]

    found = planned(300.0)
    assert (found.measured_every, found.seconds_per_epoch, found.budget) == (2, 10.0, 300.0)
    spent = 10 + found.epochs * (10 + 2 / 2) + 2
    assert 300 - 2 * 11 - 0.05 * 300 < spent <= 300
    assert planned(600.0).epochs > 2 * found.epochs
    assert planned(5.0).epochs == 1


def test_a_resumed_run_keeps_its_plan(cli: Callable[..., Any], scenes: Path, tmp_path: Path) -> None:
    """The process has spent longer than the budget already: one epoch is made all the same."""
    words = ("detect", "train", scenes, *SMALL, "--detectors", tmp_path)
    short = cli(*words, "--budget", "1s", "--name", "short")
    assert short.code == 0, short.err
    assert "1 epoch fits 1 s" in short.out
    plan = json.loads((tmp_path / "short" / "plan.json").read_text())
    assert plan["epochs"] == 1
    assert plan["seconds_per_epoch"] > 0
    again = cli(*words, "--budget", "1s", "--name", "short")
    assert "run 'short' is finished" in again.err
    other = cli(*words, "--budget", "2s", "--name", "short")
    assert "training.budget: 1s -> 2s" in other.err
    wrong = cli(*words, "--budget", "5 minutes", "--name", "wrong")
    assert wrong.code == 2
    assert "--budget" in wrong.err


def test_what_was_trained_is_found_again(
    cli: Callable[..., Any], scenes: Path, network: Path, tmp_path: Path
) -> None:
    """Predict, eval and the model file: all from the two files of the model, on any size of image."""
    result = json.loads((network / "result.json").read_text())
    words = ("detect", "eval", scenes, "--model", network, "--json", "--out", tmp_path / "eval")
    assert json.loads(cli(*words).out)["ap50"] == pytest.approx(result["ap50"])
    for name in ("model.toml", "model.safetensors"):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / name).write_bytes((network / name).read_bytes())
    predict = ("detect", "predict", scenes / "JPEGImages", "--save", "none", "--json", "--confidence", "0.01")
    ours, theirs = (cli(*predict, "--model", model) for model in (network, tmp_path / "copy"))
    assert ours.out == theirs.out
    rows = [json.loads(line) for line in ours.out.splitlines()]
    boxes = np.array([item["box"] for row in rows for item in row["detections"]], np.float32)
    assert len(boxes) > 0
    assert (boxes >= 0).all()
    assert (boxes <= [rows[0]["width"], rows[0]["height"]] * 2).all()
    refined = cli(*predict, "--model", network, "--refinements", "1")
    assert refined.code == 2
    assert "refinements are of detectors made of regions" in refined.err
    few = json.loads(cli(*predict, "--model", network, "--iou", "0").out.splitlines()[0])["detections"]
    for name in ("seven", "three"):
        found = np.array([item["box"] for item in few if item["class"] == name], np.float32)
        assert len(found) == 0 or (iou_matrix(found, found) - np.eye(len(found))).max() <= 0


def test_a_detector_from_python(network: Path, scenes: Path) -> None:
    import netlab

    detector = netlab.load_detector(network)
    assert detector.config["detector"]["name"] == "faster-rcnn"
    assert len(detector.history) == 2
    assert "faster-rcnn" in detector._repr_html_()
    assert detector.plot()._repr_png_().startswith(b"\x89PNG")
    found = detector.predict(sorted((scenes / "JPEGImages").glob("*.jpg"))[0], confidence=0.0)
    assert found.boxes.shape[1] == 4


def test_a_named_proposer_means_the_detector_that_takes_it(
    cli: Callable[..., Any], scenes: Path, tmp_path: Path
) -> None:
    import netlab
    from netlab.errors import UsageError

    shown = cli("detect", "train", "--proposer", "sliding-window", "--help").out
    assert "Detector 'rcnn'" in shown
    assert "--proposer.stride" in shown
    assert "--proposer." not in cli("detect", "train", "--help").out
    both = cli("detect", "train", scenes, "--detector", "faster-rcnn", "--proposer", "edge-boxes")
    assert both.code == 2
    assert "takes no proposer" in both.err
    foreign = cli("detect", "train", scenes, "--long-side", "100")
    assert foreign.code == 2
    assert "--long-side is of detectors that are made of regions, as 'rcnn'" in foreign.err
    foreign = cli("detect", "train", scenes, "--detector", "rcnn", "--budget=5m")
    assert "--budget is of detectors that are one network, as 'faster-rcnn'" in foreign.err
    with pytest.raises(UsageError, match="detector 'faster-rcnn' takes no proposer"):
        netlab.train_detector(scenes, detector="faster-rcnn", proposer="edge-boxes", detectors=tmp_path)


def test_the_report_shows_its_training(cli: Callable[..., Any], network: Path, tmp_path: Path) -> None:
    done = cli("report", network, "--out", tmp_path / "report.html")
    assert done.code == 0
    assert "damaged" not in done.err
    assert "faster-rcnn, mobilenet_v2" in (tmp_path / "report.html").read_text()


def test_values_that_are_not_finite_are_an_error(network: Path, scenes: Path) -> None:
    from netlab.api.installed import installed
    from netlab.detection.model.model_file import load_detector
    from netlab.errors import NetlabError

    detector = load_detector(network, installed())
    with torch.no_grad():
        next(p for n, p in detector.network.named_parameters() if "cls_score.bias" in n).fill_(math.nan)
    with pytest.raises(NetlabError, match="not finite"):
        detector.on(torch.device("cpu"))
