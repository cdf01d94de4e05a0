"""Intervals of average precision: the AP beneath them is COCO's, and they cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from netlab.detection.evaluation.average_precision import Truth, coco_ap
from netlab.detection.evaluation.bootstrap import IOUS, intervals, match_class
from netlab.detection.model.detect import Detections


def made_up(images: int, seed: int = 0) -> tuple[list[Detections], list[Truth]]:
    """Objects of two classes, some difficult, and detections around most of them and elsewhere."""
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for _ in range(images):
        count = rng.integers(0, 5)
        corners = rng.uniform(0, 80, (count, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(8, 30, (count, 2))], 1).astype(np.float32)
        labels = rng.integers(1, 3, count)
        truths.append(Truth(boxes, labels, rng.random(count) < 0.15))
        near = np.repeat(boxes, 2, axis=0) + rng.normal(0, 2.5, (2 * count, 4))
        far = rng.uniform(0, 60, (3, 2))
        near = np.concatenate([near, np.concatenate([far, far + 15], 1)]).astype(np.float32)
        names = np.concatenate([np.repeat(labels, 2), rng.integers(1, 3, 3)])
        scores = rng.permutation(1000)[: len(near)].astype(np.float32) / 1000
        found.append(Detections(near, scores, names))
    return found, truths


@pytest.mark.parametrize("seed", range(4))
def test_the_average_precision_is_cocos(seed: int) -> None:
    found, truths = made_up(25, seed)
    once = np.ones(len(truths), np.int64)
    for label, expected in enumerate(coco_ap(found, truths, 2), start=1):
        values = [match_class(found, truths, label, iou).average_precision(once) for iou in IOUS]
        assert (values[0], values[5], np.mean(values)) == pytest.approx(expected, abs=1e-9)


def test_an_image_that_counts_twice_is_two_images() -> None:
    found, truths = made_up(12)
    twice = np.array([2, 0, 1] * 4)
    chosen = [number for number, count in enumerate(twice) for _ in range(count)]
    weighted = match_class(found, truths, 1, 0.5).average_precision(twice)
    # Copies whose scores differ a little in all, so that none of them is tied with another.
    copies = [
        Detections(found[n].boxes, found[n].scores - np.float32(1e-5 * place), found[n].labels)
        for place, n in enumerate(chosen)
    ]
    ((ap50, _, _), _) = coco_ap(copies, [truths[n] for n in chosen], 2)
    assert weighted == pytest.approx(ap50, abs=0.02)


def test_more_images_make_it_narrower_and_it_holds_what_was_measured() -> None:
    widths = []
    for images in (12, 200):
        found, truths = made_up(images)
        of = intervals(found, truths, 2, resamples=200)
        assert of is not None
        means = np.mean(coco_ap(found, truths, 2), axis=0)
        for (low, high), value in zip((of["ap50"], of["ap75"], of["ap"]), means, strict=True):
            assert 0 <= low <= value <= high <= 1
        widths.append(of["ap50"][1] - of["ap50"][0])
    assert widths[1] < 0.5 * widths[0]
    first, second = (intervals(found[:20], truths[:20], 2, resamples=50) for _ in range(2))
    assert first == second


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 20 draws of 30 images from a population whose AP is known, 19 should hold it; 15 must."""
    population = made_up(600, seed=9)
    truth = float(np.mean(coco_ap(*population, 2), axis=0)[0])
    rng = np.random.default_rng(1)
    held = 0
    for draw in range(20):
        chosen = rng.integers(0, 600, 30)
        of = intervals(
            [population[0][i] for i in chosen],
            [population[1][i] for i in chosen],
            2,
            resamples=120,
            seed=draw,
        )
        assert of is not None
        held += of["ap50"][0] <= truth <= of["ap50"][1]
    assert held >= 15


def test_nothing_to_resample_has_no_interval() -> None:
    found, truths = made_up(1, seed=3)
    assert intervals(found, truths, 2) is None
    empty = [Truth(np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0, bool))] * 3
    nothing = [Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))] * 3
    assert intervals(nothing, empty, 2) is None
