"""Detectors from Python."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import netlab
from netlab.errors import NetlabError, UsageError

QUICK: dict[str, Any] = {
    "detector": "rcnn", "weights": "none", "image_side": 96, "long_side": 80, "limit": 40, "epochs": 2, "jitter": 2,
    "mine_after": 1, "no_cache": True, "quiet": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small photographs with pasted digits, in VOC layout."""
    import sys

    sys.path.append(str(Path(__file__).parents[2] / "examples"))
    from make_voc_scenes import make_scenes

    folder = tmp_path_factory.mktemp("scenes") / "voc"
    make_scenes(folder, train=4, val=2, size=(90, 120))
    return folder


@pytest.fixture(scope="module")
def detector(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> netlab.DetectorRun:
    return netlab.train_detector(scenes, **QUICK, detectors=tmp_path_factory.mktemp("detectors"))


@pytest.fixture
def photos(scenes: Path) -> list[Path]:
    return sorted((scenes / "JPEGImages").glob("*.jpg"))


def test_a_detector_has_its_history_result_and_classes(detector: netlab.DetectorRun) -> None:
    assert detector.is_finished
    assert detector.class_names == ("seven", "three")
    assert detector.history["epoch"] == [1, 2]
    assert detector.config["training"]["epochs"] == 2
    assert set(detector.result["per_class"]) == {"seven", "three"}
    assert detector.plot()._repr_png_().startswith(b"\x89PNG")
    assert "validation AP50" in repr(detector)
    assert "selective-search" in detector._repr_html_()


def test_the_same_call_gives_the_finished_detector(detector: netlab.DetectorRun, scenes: Path) -> None:
    written = (detector.path / "model.safetensors").stat().st_mtime_ns
    again = netlab.train_detector(scenes, **QUICK, detectors=detector.path.parent)
    assert again.path == detector.path
    assert (detector.path / "model.safetensors").stat().st_mtime_ns == written
    with pytest.raises(UsageError, match="begun with other settings"):
        netlab.train_detector(
            scenes, **{**QUICK, "lr": 0.5}, detectors=detector.path.parent, name=detector.name
        )


def test_a_loaded_detector_finds_the_same(detector: netlab.DetectorRun, photos: list[Path]) -> None:
    loaded = netlab.load_detector(detector.name, detectors=detector.path.parent)
    here, there = (each.predict(photos[0], confidence=0.0) for each in (detector, loaded))
    assert len(here) > 0
    assert np.array_equal(here.boxes, there.boxes)
    assert np.array_equal(here.scores, there.scores)
    with pytest.raises(UsageError, match="there is no run 'nowhere'"):
        netlab.load_detector("nowhere", detectors=detector.path.parent)


def test_an_image_of_any_kind_gives_the_same_detections(
    detector: netlab.DetectorRun, photos: list[Path]
) -> None:
    pixels = cv2.cvtColor(cv2.imread(str(photos[0])), cv2.COLOR_BGR2RGB)
    expected = detector.predict(str(photos[0]), confidence=0.0)
    for given in (pixels, torch.from_numpy(pixels.transpose(2, 0, 1).copy()), pixels[None]):
        assert np.array_equal(detector.predict(given, confidence=0.0).boxes, expected.boxes)
    each = list(detector.predict_each(photos[:2], confidence=0.0))
    assert [found.image for found in each] == [str(path) for path in photos[:2]]
    assert np.array_equal(each[0].boxes, expected.boxes)
    with pytest.raises(UsageError, match="these are 2 images, not one"):
        detector.predict(photos[:2])


def test_detections_are_rows_and_a_picture(
    detector: netlab.DetectorRun, photos: list[Path], tmp_path: Path
) -> None:
    found = detector.predict(photos[0], confidence=0.0)
    assert len(found) == len(found.boxes) == len(found.scores) == len(found.labels)
    assert set(found.labels) <= set(detector.class_names)
    assert (np.diff(found.scores) <= 0).all()
    row = found[0]
    assert [row["left"], row["top"], row["right"], row["bottom"]] == pytest.approx(found.boxes[0].tolist())
    assert found.drawn().shape == found.pixels.shape
    assert (found.drawn() != found.pixels).any()
    drawn = cv2.imdecode(np.frombuffer(found._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(drawn[..., ::-1], found.drawn())
    assert cv2.imread(str(found.save(tmp_path / "drawn.png"))) is not None
    with pytest.raises(UsageError, match="the ending of a picture"):
        found.save(tmp_path / "drawn.picture")
    only = detector.predict(photos[0], confidence=0.0, classes="three")
    assert set(only.labels) == {"three"}
    assert len(detector.predict(photos[0], confidence=1.0)) == 0
    assert len(detector.predict(photos[0], confidence=0.0, max_detections=1)) == 1
    with pytest.raises(UsageError, match="the model has no class 'tree'. Did you mean 'three'"):
        detector.predict(photos[0], classes=["tree"])


def test_the_figures_are_those_of_the_command_line(
    cli: Any, detector: netlab.DetectorRun, scenes: Path, tmp_path: Path
) -> None:
    import json

    found = detector.evaluate(scenes, out=tmp_path / "evaluation")
    done = cli("detect", "eval", scenes, "--model", detector.path, "--no-cache", "--json", "--out", "there")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (found.ap50, found.ap, found.voc2007) == (result["ap50"], result["ap"], result["voc2007"])
    assert found.images == 2
    assert found.by_class["class"] == ["seven", "three"]
    assert found.files
    assert all(path.is_file() for path in found.files)
    assert "AP50" in found._repr_html_()
    with pytest.warns(UserWarning, match="were trained on"):
        detector.evaluate(scenes, split="all", out=tmp_path / "all")
    with pytest.raises(UsageError, match="split must be val, train or all"):
        detector.evaluate(scenes, split="test")  # type: ignore[arg-type]


def test_what_is_wrong_is_said_in_one_line(
    scenes: Path, tmp_path: Path, detector: netlab.DetectorRun
) -> None:
    with pytest.raises(UsageError, match="there is no option jiter. Did you mean 'jitter'"):
        netlab.train_detector(scenes, detector="rcnn", jiter=3)
    with pytest.raises(UsageError, match="there is no folder nowhere"):
        netlab.train_detector("nowhere", **QUICK, detectors=tmp_path)
    with pytest.raises(UsageError, match="is a detector: netlab.load_detector"):
        netlab.load_run(detector.path)
    with pytest.raises(NetlabError, match="there is no trained detector"):
        netlab.load_detector(tmp_path).predict(scenes)


def test_detectors_are_not_among_the_runs(detector: netlab.DetectorRun) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(netlab.list_runs(detector.path.parent)) == 0
