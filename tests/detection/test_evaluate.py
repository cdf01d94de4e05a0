"""Measures of detection, by hand, by brute force and by COCO's own evaluation where it is installed."""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest

from netlab.detection.evaluation.average_precision import (
    FALSE_ALARM,
    Curve,
    Truth,
    best_threshold,
    coco_ap,
    coco_detections,
    coco_truth,
    curve,
    detection_result,
    match_detections,
    precision_and_recall,
    voc2007_ap,
)
from netlab.detection.evaluation.curve_table import read_curves, write_curves
from netlab.detection.model.detect import NOTHING, Detections
from netlab.detection.proposals.recall import best_overlaps, proposal_recall
from netlab.errors import NetlabError


def truth(*boxes: list[float], labels: list[int] | None = None, difficult: list[bool] | None = None) -> Truth:
    n = len(boxes)
    return Truth(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels or [1] * n, np.int64),
        np.array(difficult or [False] * n, bool),
    )


def detections(*rows: tuple[list[float], float], label: int = 1) -> Detections:
    return Detections(
        np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score in rows], np.float32),
        np.full(len(rows), label, np.int64),
    )


A, B, ELSEWHERE = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def test_a_perfect_detector_has_ap_1():
    result = detection_result([detections((A, 0.9), (B, 0.8))], [truth(A, B)], ["cat"])
    assert result.ap50 == result.ap75 == result.ap == result.voc2007 == pytest.approx(1)


def test_the_second_box_on_an_object_is_a_false_alarm():
    found = curve([detections((A, 0.9), (A, 0.8), (B, 0.7))], [truth(A, B)], 1, 0.5)
    assert found.correct.tolist() == [True, False, True]
    assert found.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert found.recall.tolist() == [0.5, 0.5, 1]


def test_the_11_point_ap_by_hand():
    found = curve([detections((A, 0.9), (ELSEWHERE, 0.8), (B, 0.7))], [truth(A, B)], 1, 0.5)
    # Recall 0 to .5: precision 1 (6 points); .6 to 1: precision 2/3 (5 points).
    assert voc2007_ap(found) == pytest.approx((6 + 5 * 2 / 3) / 11)


@pytest.mark.parametrize(("cut", "ap50", "ap75"), [(0.5, 1, 0), (0.4375, 0, 0), (0.75, 1, 1), (0.6875, 1, 0)])
def test_an_overlap_of_exactly_the_threshold_counts(cut: float, ap50: int, ap75: int):
    """Sides are powers of two, so that the overlap is exact in float32: .5 and .75, and 1/16 below."""
    found, true = [detections(([0, 0, 16, 16 * cut], 0.9))], [truth([0, 0, 16, 16])]
    assert curve(found, true, 1, 0.5).correct.tolist() == [ap50 == 1]
    assert curve(found, true, 1, 0.75).correct.tolist() == [ap75 == 1]
    measured = detection_result(found, true, ["cat"])
    assert (measured.ap50, measured.ap75, measured.voc2007) == pytest.approx((ap50, ap75, ap50))


def test_all_detections_of_an_image_count_also_more_than_coco_s_100():
    """149 false alarms before the only right one: precision 1/150 at every recall."""
    false_alarms = [([50 + i, 50, 60 + i, 60], 0.9 - i / 1000) for i in range(149)]
    measured = detection_result([detections(*false_alarms, (A, 0.1))], [truth(A)], ["cat"])
    assert measured.per_class["cat"].detections == 150
    assert (measured.ap, measured.ap50, measured.voc2007) == pytest.approx((1 / 150, 1 / 150, 1 / 150))


def test_recall_just_above_nine_tenths_has_ten_of_the_eleven_points():
    """Ten of eleven objects found, and nothing else: recall 10/11, which 0, .1, ..., .9 reach and 1 does not."""
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(11)]
    found = curve([detections(*((box, 0.9) for box in boxes[:10]))], [truth(*boxes)], 1, 0.5)
    assert voc2007_ap(found) == pytest.approx(10 / 11)


def test_equal_scores_keep_their_order_in_an_image_and_between_images():
    """70 detections of one score: only the very first of an image and of the images is right."""
    rows = [(A, 0.5)] + [(ELSEWHERE, 0.5)] * 69
    chosen, matched = match_detections(detections(*rows), truth(A), 1, 0.5)
    assert chosen.tolist() == list(range(70))
    assert matched.tolist() == [0] + [FALSE_ALARM] * 69
    images = [detections((A, 0.5))] + [detections((ELSEWHERE, 0.5))] * 69
    found = curve(images, [truth(A)] + [truth()] * 69, 1, 0.5)
    assert found.correct.tolist() == [True] + [False] * 69


def test_ties_among_other_scores_keep_their_order_too():
    scores = np.random.default_rng(0).integers(1, 4, 300).astype(np.float32) / 4
    rows = [([i, 0, i + 1, 1], float(score)) for i, score in enumerate(scores)]
    expected = sorted(range(300), key=lambda i: -scores[i])  # Python's sort is stable
    chosen, _ = match_detections(detections(*rows), truth(A), 1, 0.5)
    assert chosen.tolist() == expected
    images = [detections((A if i % 3 else ELSEWHERE, float(score))) for i, score in enumerate(scores)]
    found = curve(images, [truth(A)] * 300, 1, 0.5)
    assert found.correct.tolist() == [i % 3 > 0 for i in expected]


def test_what_is_measured_reads_as_json():
    found = [detections((A, 0.9), (ELSEWHERE, 0.8), (B, 0.7))]
    measured = detection_result(found, [truth(A, B)], ["cat", "dog"])
    # COCO's 101 points: 51 of recall 0 to .5 with precision 1, 50 with 2/3; VOC's 11: 6 and 5.
    ap, voc = (51 + 50 * 2 / 3) / 101, (6 + 5 * 2 / 3) / 11
    numbers = {"ap50": ap, "ap75": ap, "ap": ap, "voc2007": voc}
    told = measured.as_dict()
    assert {key: told[key] for key in numbers} == pytest.approx(numbers)
    assert told["per_class"]["cat"] == pytest.approx({**numbers, "objects": 2, "detections": 3})
    assert told["per_class"]["dog"] == {**dict.fromkeys(numbers), "objects": 0, "detections": 0}


def test_a_class_without_objects_has_nan_whatever_was_found(capsys: pytest.CaptureFixture[str]):
    nan3 = pytest.approx((float("nan"),) * 3, nan_ok=True)
    assert coco_ap([detections((A, 0.9))], [truth(A)], 3)[1:] == [nan3, nan3]
    assert coco_ap([NOTHING], [truth(A)], 3) == [(0.0, 0.0, 0.0), nan3, nan3]
    assert coco_ap([detections((A, 0.9))], [truth()], 2) == [nan3, nan3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy's mean of nothing warns
        none = detection_result([detections((A, 0.9))], [truth()], ["cat"])
    assert np.isnan([none.ap50, none.voc2007, none.per_class["cat"].voc2007]).all()
    nothing = curve([], [], 1, 0.5)
    assert (nothing.objects, nothing.scores.dtype, nothing.correct.dtype) == (0, np.float32, np.bool_)
    assert len(nothing.scores) == len(nothing.correct) == 0
    assert np.isnan(precision_and_recall(nothing, 0.5)).all()
    assert capsys.readouterr().out == ""  # COCO's evaluation talks


def test_difficult_objects_count_neither_way():
    measured = detection_result(
        [detections((A, 0.9), (B, 0.8))], [truth(A, B, difficult=[False, True])], ["cat"]
    )
    assert measured.ap50 == measured.voc2007 == pytest.approx(1)
    assert measured.per_class["cat"].objects == 1
    missed = detection_result([detections((A, 0.9))], [truth(A, B, difficult=[False, True])], ["cat"])
    assert missed.ap50 == pytest.approx(1)


def test_nothing_found_is_ap_0_and_an_absent_class_has_none():
    result = detection_result([NOTHING], [truth(A)], ["cat", "dog"])
    assert result.ap50 == result.voc2007 == 0
    assert np.isnan(result.per_class["dog"].ap50)
    assert result.as_dict()["per_class"]["dog"]["ap50"] is None


def test_no_objects_at_all_has_no_ap():
    assert detection_result([detections((A, 0.9))], [truth()], ["cat"]).as_dict()["ap50"] is None


def test_the_threshold_maximizes_f1():
    found = curve([detections((A, 0.9), (B, 0.6), (ELSEWHERE, 0.3))], [truth(A, B)], 1, 0.5)
    assert best_threshold(found) == pytest.approx(0.45)
    for threshold in np.linspace(0, 1, 41):
        kept = found.scores >= threshold
        f1 = 2 * found.correct[kept].sum() / (kept.sum() + found.objects)
        assert f1 <= found.f1.max() + 1e-9


def test_precision_and_recall_at_a_confidence_count_that_confidence_too():
    found = curve([detections((A, 0.9), (ELSEWHERE, 0.6), (B, 0.3))], [truth(A, B)], 1, 0.5)
    assert precision_and_recall(found, 0.6) == (1 / 2, 1 / 2)
    assert precision_and_recall(found, 0.7) == (1, 1 / 2)
    precision, recall = precision_and_recall(found, 0.95)
    assert np.isnan(precision)
    assert recall == 0


@pytest.mark.parametrize("seed", range(30))
def test_the_threshold_is_the_best_of_all_cuts(seed: int):
    """Every cut between different scores and the one below the last, by brute force; ties go to the highest."""
    rng = np.random.default_rng(seed)
    scores = -np.sort(-rng.integers(1, 8, 9)).astype(np.float32) / 8
    found = Curve(scores, rng.random(9) < 0.6, int(rng.integers(6, 12)))
    if not found.correct.any():
        assert best_threshold(found) is None
        return
    levels = [*sorted(set(scores.tolist()), reverse=True), 0.0]
    cuts = [(high + low) / 2 for high, low in itertools.pairwise(levels)]

    def f1(cut: float) -> float:
        kept = scores >= cut
        return 2 * found.correct[kept].sum() / (kept.sum() + found.objects)

    assert best_threshold(found) == pytest.approx(max(cuts, key=f1))


def test_no_threshold_between_equal_scores():
    found = curve([detections((A, 0.5), (ELSEWHERE, 0.5), (B, 0.2))], [truth(A)], 1, 0.5)
    assert best_threshold(found) == pytest.approx(0.35)


def test_the_curve_table_has_a_row_a_found_object(tmp_path: Path):
    found = [detections((A, 0.9), (ELSEWHERE, 0.8), (B, 2 / 3))]
    names = ["two\r\nlines, ☃", "dog", "eel"]  # a dog that nobody found, and no eel
    path = write_curves(found, [truth(A, B, [70, 0, 80, 10], labels=[1, 1, 2])], names, tmp_path)
    assert path.read_bytes().decode() == (
        "class,objects,confidence,recall,precision\n"
        '"two\r\nlines, ☃",2,0.9,0.5,1\n'
        '"two\r\nlines, ☃",2,0.666667,1,0.666667\n'
    )
    assert read_curves(path) == {names[0]: [(0.9, 0.5, 1.0), (0.666667, 1.0, 0.666667)]}


def test_a_curve_table_that_is_not_there_is_empty_and_a_damaged_one_is_said(tmp_path: Path):
    path = tmp_path / "precision_recall.csv"
    assert read_curves(path) == {}
    for content in ("class,objects\ncat,2\n", "class,confidence,recall,precision\ncat,high,1,1\n"):
        path.write_text(content)
        with pytest.raises(NetlabError, match=r"precision_recall\.csv is damaged"):
            read_curves(path)


def test_coco_files_name_images_and_classes_and_number_everything_from_1():
    data = coco_truth(
        [truth(A), truth(), truth([1, 2, 4, 8], B, labels=[2, 1], difficult=[True, False])],
        ["cat", "dog"], ["a.jpg", "b.jpg", "c.jpg"], [(30, 20), (31, 21), (32, 22)],
    )  # fmt: skip
    assert [(i["id"], i["file_name"], i["width"], i["height"]) for i in data["images"]] == [
        (1, "a.jpg", 30, 20),
        (2, "b.jpg", 31, 21),
        (3, "c.jpg", 32, 22),
    ]
    assert data["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    rows = [(a["id"], a["image_id"], a["category_id"], a["bbox"], a["area"]) for a in data["annotations"]]
    assert rows == [
        (1, 1, 1, [0, 0, 10, 10], 100),
        (2, 3, 2, [1, 2, 3, 6], 18),
        (3, 3, 1, [20, 0, 10, 10], 100),
    ]
    assert [(a["iscrowd"], a["ignore"]) for a in data["annotations"]] == [(0, 0), (1, 1), (0, 0)]
    plain = coco_truth([truth(A), truth(B)], ["cat"])
    assert [(i["file_name"], i["width"], i["height"]) for i in plain["images"]] == [("1", 0, 0), ("2", 0, 0)]
    assert plain.keys() == {"info", "licenses", "images", "annotations", "categories"}
    assert coco_detections([NOTHING, detections(([1, 2, 4, 8], 0.5), label=2)]) == [
        {"image_id": 2, "category_id": 2, "bbox": [1, 2, 3, 6], "score": 0.5}
    ]


def random_case(seed: int, images: int = 12, classes: int = 3) -> tuple[list[Detections], list[Truth]]:
    """Truth, and detections near it and elsewhere, with many different overlaps."""
    rng = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(images):
        n = int(rng.integers(0, 6))
        low = rng.uniform(0, 80, (n, 2))
        boxes = np.concatenate([low, low + rng.uniform(5, 40, (n, 2))], axis=1).astype(np.float32)
        labels = rng.integers(1, classes + 1, n)
        true.append(Truth(boxes, labels, rng.random(n) < 0.2))
        near = np.repeat(boxes, 3, axis=0) + rng.normal(0, 4, (3 * n, 4)).astype(np.float32)
        low = rng.uniform(0, 80, (4, 2))
        far = np.concatenate([low, low + rng.uniform(5, 40, (4, 2))], axis=1).astype(np.float32)
        all_boxes = np.concatenate([near, far])
        all_boxes[:, 2:] = np.maximum(all_boxes[:, 2:], all_boxes[:, :2] + 1)
        all_labels = np.concatenate([np.repeat(labels, 3), rng.integers(1, classes + 1, 4)])
        scores = rng.permutation(len(all_boxes)).astype(np.float32) / 100 + rng.random(1, np.float32) / 1000
        found.append(Detections(all_boxes, scores, all_labels))
    return found, true


def coco_by_hand(found: list[Detections], true: list[Truth], label: int, iou: float) -> float:
    """COCO's AP of one class in float64 and plain loops: greedy by score, each to its best free object."""
    rows, objects = [], 0
    for image, truths in zip(found, true, strict=True):
        objects += int(((truths.labels == label) & ~truths.difficult).sum())
        own = [i for i in range(len(truths.labels)) if truths.labels[i] == label]
        own.sort(key=lambda i: truths.difficult[i])
        taken: set[int] = set()
        for d in sorted(np.flatnonzero(image.labels == label), key=lambda d: -image.scores[d]):
            x1, y1, x2, y2 = image.boxes[d].astype(float)
            best, best_iou = None, min(iou, 1 - 1e-10)
            for i in own:
                if i in taken and not truths.difficult[i]:
                    continue
                if best is not None and not truths.difficult[best] and truths.difficult[i]:
                    break
                a1, b1, a2, b2 = truths.boxes[i].astype(float)
                shared = max(min(x2, a2) - max(x1, a1), 0) * max(min(y2, b2) - max(y1, b1), 0)
                union = (x2 - x1) * (y2 - y1) + (0 if truths.difficult[i] else (a2 - a1) * (b2 - b1) - shared)
                if shared / union >= best_iou:
                    best, best_iou = i, shared / union
            if best is None:
                rows.append((image.scores[d], False))
            elif not truths.difficult[best]:
                taken.add(best)
                rows.append((image.scores[d], True))
    rows.sort(key=lambda row: -row[0])
    right = np.cumsum([correct for _, correct in rows])
    precision = right / np.arange(1, len(rows) + 1)
    recall = right / objects
    return float(np.mean([precision[recall >= r].max(initial=0.0) for r in np.linspace(0, 1, 101)]))


@pytest.mark.parametrize("seed", range(4))
def test_coco_ap_is_that_of_plain_loops(seed: int):
    found, true = random_case(seed)
    for label, (ap50, ap75, ap) in enumerate(coco_ap(found, true, 3), start=1):
        by_hand = [coco_by_hand(found, true, label, iou) for iou in np.linspace(0.5, 0.95, 10)]
        assert ap50 == pytest.approx(by_hand[0], abs=1e-6)
        assert ap75 == pytest.approx(by_hand[5], abs=1e-6)
        assert ap == pytest.approx(np.mean(by_hand), abs=1e-6)


def test_coco_ap_equals_pycocotools():
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found, true = random_case(7, images=30)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = coco_truth(true, ["1", "2", "3"])
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(coco_detections(found)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = np.array(coco_ap(found, true, 3))
    np.testing.assert_allclose(ours.mean(0), evaluation.stats[[1, 2, 0]], atol=1e-6)


def test_recall_at_a_limit_counts_only_the_first_proposals():
    proposals = np.array([ELSEWHERE, A, [20, 0, 30, 7]], np.float32)
    overlaps = best_overlaps(proposals, np.array([A, B], np.float32), (1, 2, 3))
    np.testing.assert_allclose(overlaps, [[0, 0], [1, 0], [1, 0.7]], rtol=1e-5)
    rows = proposal_recall([(overlaps, ("cat", "dog"))], (1, 2, 3))
    assert [row.recall50 for row in rows] == [0, 0.5, 1]
    assert [row.mabo for row in rows] == pytest.approx([0, 0.5, 0.85])


def test_average_recall_is_the_mean_over_ten_overlaps():
    rows = proposal_recall([(np.array([[0.62]], np.float32), ("cat",))], (100,))
    assert rows[0].average_recall == pytest.approx(0.3)
    assert rows[0].recall70 == 0


def test_without_proposals_recall_is_0():
    overlaps = best_overlaps(np.empty((0, 4), np.float32), np.array([A], np.float32), (10,))
    assert overlaps.tolist() == [[0.0]]
