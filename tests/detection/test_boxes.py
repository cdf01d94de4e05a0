"""Boxes: overlap, regression and suppression, against pixel counting and plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netlab.detection import boxes as b

SIDE = 24
corner = st.integers(0, SIDE - 1)


@st.composite
def box_arrays(draw: st.DrawFn, most: int = 6) -> np.ndarray:
    rows = []
    for _ in range(draw(st.integers(1, most))):
        x, y = draw(corner), draw(corner)
        rows.append([x, y, draw(st.integers(x + 1, SIDE)), draw(st.integers(y + 1, SIDE))])
    return np.array(rows, np.float32)


def pixels(box: np.ndarray) -> np.ndarray:
    """The pixels of a half-open box, painted."""
    mask = np.zeros((SIDE, SIDE), bool)
    x1, y1, x2, y2 = box.astype(int)
    mask[y1:y2, x1:x2] = True
    return mask


@given(box_arrays(), box_arrays())
def test_iou_is_that_of_the_painted_pixels(first: np.ndarray, second: np.ndarray):
    found = b.iou_matrix(first, second)
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            shared = (pixels(one) & pixels(other)).sum()
            assert np.isclose(found[i, j], shared / (pixels(one) | pixels(other)).sum(), rtol=1e-5)


def test_empty_boxes_have_iou_0():
    empty = np.array([[3, 3, 3, 3]], np.float32)
    assert b.iou_matrix(empty, empty).item() == 0


@given(box_arrays(), st.integers(0, 2**16))
def test_deltas_bring_a_box_to_its_target(start: np.ndarray, seed: int):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 20, (len(start), 2))
    target = np.concatenate([low, low + rng.uniform(1, 20, low.shape)], axis=1).astype(np.float32)
    np.testing.assert_allclose(b.apply_deltas(start, b.box_deltas(start, target)), target, atol=1e-3)


def test_deltas_follow_the_rcnn_formula():
    found = b.box_deltas(np.array([[0, 0, 10, 20]], np.float32), np.array([[5, 5, 25, 15]], np.float32))
    expected = [(15 - 5) / 10 / 0.1, (10 - 10) / 20 / 0.1, np.log(2) / 0.2, np.log(0.5) / 0.2]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


@given(box_arrays())
def test_flipping_twice_changes_nothing(boxes: np.ndarray):
    np.testing.assert_array_equal(b.flip_boxes(b.flip_boxes(boxes, SIDE), SIDE), boxes)


def test_a_flipped_box_covers_the_flipped_pixels():
    box = np.array([[2, 3, 9, 8]], np.float32)
    np.testing.assert_array_equal(pixels(b.flip_boxes(box, SIDE)[0]), pixels(box[0])[:, ::-1])


def slow_suppress(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, iou: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        overlaps = b.iou_matrix(boxes[i : i + 1], boxes[kept])[0] if kept else []
        if not any(classes[k] == classes[i] and o > iou for k, o in zip(kept, overlaps, strict=True)):
            kept.append(i)
    return kept


@given(box_arrays(most=12), st.integers(0, 2**16), st.sampled_from([0.25, 0.45, 0.7]))
def test_suppression_is_greedy_in_each_class(boxes: np.ndarray, seed: int, iou: float):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, len(boxes)).astype(np.float32) / 5  # with ties
    classes = rng.integers(1, 3, len(boxes))
    assert b.suppress(boxes, scores, classes, iou).tolist() == slow_suppress(boxes, scores, classes, iou)


def test_suppression_drops_what_overlaps_by_more_than_the_threshold():
    """A half and no more stays; one row of 16 more goes. Sides are powers of two, so overlaps are exact."""
    half, more = [0, 0, 16, 8], [0, 0, 16, 9]
    scores, classes = np.array([0.9, 0.8], np.float32), np.array([1, 1])
    whole = [0, 0, 16, 16]
    assert b.suppress(np.array([whole, half], np.float32), scores, classes, 0.5).tolist() == [0, 1]
    assert b.suppress(np.array([whole, more], np.float32), scores, classes, 0.5).tolist() == [0]
    assert b.suppress(np.array([whole, more], np.float32), scores, np.array([1, 2]), 0.5).tolist() == [0, 1]


def test_of_equal_scores_the_first_given_is_kept_and_comes_first():
    """70 boxes of one score, the first two apart and the rest on the first; and 70 that are all apart."""
    boxes = np.array([[0, 0, 10, 10], [40, 0, 50, 10]] + [[1, 0, 11, 10]] * 68, np.float32)
    scores, classes = np.full(70, 0.5, np.float32), np.ones(70, np.int64)
    assert b.suppress(boxes, scores, classes, 0.5).tolist() == [0, 1]
    apart = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(70)], np.float32)
    kept = b.suppress(apart, scores, classes, 0.5)
    assert kept.tolist() == list(range(70))
    none = b.suppress(boxes[:0], scores[:0], classes[:0], 0.5)
    assert (none.tolist(), none.dtype) == ([], np.int64)


def test_a_regressed_side_grows_at_most_exp_4_times():
    box = np.array([[0, 0, 2, 4]], np.float32)
    grown = b.apply_deltas(box, np.array([[0, 0, 1000, 1000]], np.float32))
    np.testing.assert_allclose(grown[:, 2:] - grown[:, :2], [[2 * np.exp(4), 4 * np.exp(4)]], rtol=1e-5)
    np.testing.assert_allclose((grown[:, :2] + grown[:, 2:]) / 2, [[1, 2]], atol=1e-4)


def test_scaled_boxes_are_stretched_by_x_and_y():
    assert b.scale_boxes(np.array([[1, 2, 3, 4]], np.float32), 2.0, 0.5).tolist() == [[2, 1, 6, 2]]


def test_boxes_stay_float32_and_the_given_ones_as_they_were():
    given_boxes = np.array([[4, 4, 8, 6], [1, 2, 9, 7]], np.float32)
    before = given_boxes.copy()
    made = [
        b.clip_boxes(given_boxes, 6, 5),
        b.clip_boxes(given_boxes.astype(np.float64), 6, 5),
        b.scale_boxes(given_boxes, 1.5, 2.5),
        b.flip_boxes(given_boxes, 10),
        b.grow_boxes(given_boxes, 1.5),
        b.box_deltas(given_boxes, given_boxes[::-1]),
        b.apply_deltas(given_boxes, np.ones((2, 4), np.float32)),
        b.iou_matrix(given_boxes, given_boxes),
    ]
    assert {array.dtype for array in made} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(given_boxes, before)


def test_clipped_boxes_stay_inside():
    found = b.clip_boxes(np.array([[-5, -1, 50, 3]], np.float32), 10, 8)
    assert found.tolist() == [[0, 0, 10, 3]]


def test_grown_boxes_keep_their_centre():
    assert b.grow_boxes(np.array([[4, 4, 8, 6]], np.float32), 3.0).tolist() == [[0, 2, 12, 8]]
