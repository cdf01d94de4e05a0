"""Labels: one a region, by the true box it overlaps most."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.detection.proposals.labels import LabelRule, label_regions
from netlab.detection.training.regions import jittered, label_image

TRUTH = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)
CLASSES = np.array([1, 2])
PLAIN = np.zeros(2, bool)


def labels(*regions: list[float], difficult: np.ndarray = PLAIN) -> list[int]:
    return label_regions(np.array(regions, np.float32), TRUTH, CLASSES, difficult).labels.tolist()


def test_half_overlap_and_more_is_the_class_of_the_box():
    assert labels([0, 0, 10, 10], [0, 0, 10, 5], [20, 0, 30, 20]) == [1, 1, 2]


def test_a_tenth_to_a_half_is_background_and_less_is_ignored():
    assert labels([0, 0, 10, 4.9], [0, 0, 10, 1], [0, 0, 10, 0.9], [50, 50, 60, 60]) == [0, 0, -1, -1]


def test_an_overlap_of_exactly_a_threshold():
    """``positive`` and ``low`` include it, ``high`` does not; sides are powers of two, so overlaps are exact."""
    square = np.array([[0, 0, 16, 16]], np.float32)
    regions = np.array([[0, 0, 16, side] for side in (12, 11, 8, 7, 4, 3)], np.float32)
    found = label_regions(
        regions, square, CLASSES[:1], PLAIN[:1], LabelRule(positive=0.75, low=0.25, high=0.5)
    )
    assert found.iou.tolist() == [12 / 16, 11 / 16, 8 / 16, 7 / 16, 4 / 16, 3 / 16]
    assert found.labels.tolist() == [1, -1, -1, 0, 0, -1]
    hard = label_regions(
        regions, square, CLASSES[:1], ~PLAIN[:1], LabelRule(positive=0.75, low=0.25, high=0.5)
    )
    assert hard.labels.tolist() == [-1, -1, -1, -1, -1, -1]


def test_a_region_on_two_boxes_gets_the_label_of_the_larger_overlap():
    both = np.array([[0, 0, 10, 10], [4, 0, 14, 10]], np.float32)
    found = label_regions(np.array([[3, 0, 13, 10]], np.float32), both, CLASSES, PLAIN)
    assert found.labels.tolist() == [2]
    assert found.best.tolist() == [1]


def test_equal_overlaps_go_to_the_first():
    both = np.array([[0, 0, 10, 10], [2, 0, 12, 10]], np.float32)
    assert label_regions(np.array([[1, 0, 11, 10]], np.float32), both, CLASSES, PLAIN).labels.tolist() == [1]


def test_difficult_objects_are_ignored():
    difficult = np.array([True, False])
    assert labels([0, 0, 10, 10], [0, 0, 10, 4], [20, 0, 30, 10], difficult=difficult) == [-1, -1, 2]


def test_without_objects_every_region_is_background():
    none = np.empty((0, 4), np.float32)
    found = label_regions(TRUTH, none, np.empty(0, np.int64), np.empty(0, bool))
    assert found.labels.tolist() == [0, 0]
    assert found.best.tolist() == [-1, -1]
    assert found.iou.tolist() == [0, 0]
    assert [array.dtype for array in (found.labels, found.best, found.iou)] == [
        np.int64,
        np.int64,
        np.float32,
    ]


def plain_labels(regions, truth, classes, difficult, rule: LabelRule) -> list[int]:
    """The same rule in plain Python."""
    found = []
    for x1, y1, x2, y2 in regions:
        best, best_iou = None, -1.0
        for k, (a1, b1, a2, b2) in enumerate(truth):
            shared = max(min(x2, a2) - max(x1, a1), 0) * max(min(y2, b2) - max(y1, b1), 0)
            iou = shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared)
            if iou > best_iou:
                best, best_iou = k, iou
        if difficult[best] and best_iou >= rule.low:
            found.append(-1)
        elif best_iou >= rule.positive:
            found.append(int(classes[best]))
        else:
            found.append(0 if rule.low <= best_iou < rule.high else -1)
    return found


@settings(max_examples=30)
@given(st.integers(0, 2**20))
def test_labels_equal_those_of_plain_python(seed: int):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 40, (60, 2))
    regions = np.concatenate([low, low + rng.integers(1, 30, low.shape)], axis=1).astype(np.float32)
    truth, regions = regions[:4], regions[4:]
    classes, difficult = rng.integers(1, 4, 4), rng.random(4) < 0.3
    rule = LabelRule(0.5, 0.1, 0.4)
    found = label_regions(regions, truth, classes, difficult, rule).labels.tolist()
    assert found == plain_labels(regions.tolist(), truth.tolist(), classes, difficult, rule)


def test_true_boxes_are_positives_and_difficult_ones_are_not_added():
    found = label_image(
        np.empty((0, 4), np.float32), TRUTH, CLASSES, np.array([False, True]), (40, 20),
        rule=LabelRule(), regression_iou=0.5, jitter=0, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found.regions.tolist() == [[0, 0, 10, 10]]
    assert found.labels.tolist() == [1]
    assert found.targets.tolist() == [[0, 0, 0, 0]]


def test_hard_negative_candidates_are_all_background_but_what_touches_difficult_objects():
    regions = np.array([[0, 0, 10, 4], [35, 15, 40, 20], [20, 0, 30, 4], [0, 0, 10, 6]], np.float32)
    found = label_image(
        regions, TRUTH, CLASSES, np.array([False, True]), (40, 20),
        rule=LabelRule(), regression_iou=0.5, jitter=0, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found.candidates[1:].tolist() == [True, True, False, False]


def test_jittered_copies_lie_in_the_image_near_their_box():
    from netlab.detection.boxes import iou_matrix

    copies = jittered(TRUTH[:1], 200, (40, 20), np.random.default_rng(0))
    assert (copies[:, 0] >= 0).all()
    assert (copies[:, 3] <= 20).all()
    overlap = iou_matrix(copies, TRUTH[:1])
    assert overlap.min() > 0.2
    assert overlap.std() > 0.1
