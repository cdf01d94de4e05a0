"""Which mistakes the gallery shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.evaluation.mistakes import DETECTION_COLOUR, KEPT, MISS_COLOUR, MistakeGallery
from netlab.detection.model.detect import Detections, DetectRule

SIZE = (160, 120)
PIXELS = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
OBJECT, ELSEWHERE = [20, 20, 60, 60], [90, 60, 150, 110]


def annotated(*boxes: list[float], difficult: bool = False) -> AnnotatedImage:
    n = len(boxes)
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return AnnotatedImage("a", Path("a.png"), SIZE, array, ("cat",) * n, np.full(n, difficult))


def found(*rows: tuple[list[float], float]) -> Detections:
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in rows], np.float32), np.ones(len(rows), np.int64))


def saved(
    folder: Path, image: AnnotatedImage, *detections: tuple[list[float], float]
) -> dict[str, np.ndarray]:
    gallery = MistakeGallery(["cat"], DetectRule(confidence={1: 0.5}))
    gallery.add(image, PIXELS, found(*detections))
    return {path.stem: cv2.imread(str(path))[..., ::-1] for path in gallery.save(folder)}


def shows(sheet: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Whether a pixel has about this colour: lines are smoothed, and pictures enlarged."""
    return bool((np.abs(sheet.astype(int) - colour).max(axis=2) < 40).any())


def test_an_object_found_with_confidence_is_no_mistake(tmp_path: Path):
    assert saved(tmp_path, annotated(OBJECT), (OBJECT, 0.6)) == {}


def test_an_object_found_below_the_threshold_is_a_miss(tmp_path: Path):
    beside = [value + 6 for value in OBJECT]  # the object's own box would cover an equal one
    sheets = saved(tmp_path, annotated(OBJECT), (beside, 0.4))
    assert list(sheets) == ["misses"]
    assert shows(sheets["misses"], MISS_COLOUR)
    assert shows(sheets["misses"], DETECTION_COLOUR)


def test_a_box_on_nothing_is_a_false_alarm_and_the_object_a_miss(tmp_path: Path):
    sheets = saved(tmp_path, annotated(OBJECT), (ELSEWHERE, 0.9))
    assert set(sheets) == {"misses", "false_alarms"}
    assert shows(sheets["false_alarms"], DETECTION_COLOUR)


def test_a_difficult_object_is_neither_missed_nor_a_false_alarm(tmp_path: Path):
    assert saved(tmp_path, annotated(OBJECT, difficult=True), (OBJECT, 0.9)) == {}
    assert saved(tmp_path, annotated(OBJECT, difficult=True)) == {}


def test_only_the_worst_are_kept(tmp_path: Path):
    """Twelve images of their own grey, with a false alarm each: the most confident stay."""
    gallery = MistakeGallery(["cat"], DetectRule(confidence={1: 0.5}))
    for i in np.random.default_rng(0).permutation(12).tolist():
        gallery.add(annotated(), np.full_like(PIXELS, 100 + 10 * i), found((ELSEWHERE, (i + 1) / 20)))
    (path,) = gallery.save(tmp_path)
    sheet = cv2.imread(str(path))
    shown = [i for i in range(12) if ((sheet == 100 + 10 * i).all(axis=2)).sum() > 1000]
    assert shown == list(range(12 - KEPT, 12))


def test_pictures_of_an_earlier_evaluation_do_not_stay(tmp_path: Path):
    assert saved(tmp_path, annotated(OBJECT))
    assert saved(tmp_path, annotated(OBJECT), (OBJECT, 0.9)) == {}
    assert list(tmp_path.iterdir()) == []
