"""From scores to detections, with a head whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netlab.detection.boxes import box_deltas
from netlab.detection.model.detect import DetectRule, detect
from netlab.detection.model.head import DetectionHead, HeadOutput

SIZE = (100, 80)
WANTED = np.array([[20, 20, 60, 60]], np.float32)


def logits_of(*probabilities: list[float]) -> torch.Tensor:
    return torch.tensor(probabilities).clamp(min=1e-6).log()


class KnownHead(DetectionHead):
    """A head whose features are its answers: K + 1 logits, 4 K deltas, perhaps the logit of the IoU."""

    def __init__(self, classes: int) -> None:
        super().__init__(5 * classes + 1, classes)

    def forward(self, features: torch.Tensor) -> HeadOutput:
        logits, deltas, fit = features.tensor_split([self.classes + 1, 5 * self.classes + 1], dim=1)
        return HeadOutput(logits, deltas.reshape(-1, self.classes, 4), fit[:, 0] if fit.shape[1] else None)


def features(probabilities: list[list[float]], deltas: np.ndarray | None = None) -> torch.Tensor:
    classes = len(probabilities[0]) - 1
    moved = torch.zeros(len(probabilities), 4 * classes) if deltas is None else torch.from_numpy(deltas)
    return torch.cat([logits_of(*probabilities), moved], dim=1)


def run(regions: np.ndarray, answers: torch.Tensor, classes: int = 1, **rule: object):
    chosen = DetectRule(**{"refinements": 0, "confidence": 0.5, **rule})  # type: ignore[arg-type]
    return detect(lambda boxes: answers[: len(boxes)], regions, KnownHead(classes), SIZE, chosen)


def test_background_is_never_detected():
    found = run(WANTED, features([[0.9, 0.1]]), confidence=0.0)
    assert found.labels.tolist() == [1]
    assert found.scores[0] == pytest.approx(0.1)
    assert len(run(WANTED, features([[0.9, 0.1]]))) == 0


def test_regions_are_moved_by_the_regression_of_their_class():
    region = np.array([[10, 10, 50, 50]], np.float32)
    deltas = np.concatenate([np.zeros((1, 4), np.float32), box_deltas(region, WANTED)], axis=1)
    found = run(region, features([[0.1, 0.1, 0.8]], deltas), classes=2)
    assert found.labels.tolist() == [2]
    np.testing.assert_allclose(found.boxes, WANTED, atol=1e-3)


def test_of_overlapping_boxes_of_a_class_the_best_stays():
    regions = np.array([[20, 20, 60, 60], [22, 20, 62, 60], [0, 0, 10, 10]], np.float32)
    found = run(regions, features([[0.2, 0.8], [0.1, 0.9], [0.3, 0.7]]))
    assert found.boxes.tolist() == [[22, 20, 62, 60], [0, 0, 10, 10]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_overlapping_boxes_of_different_classes_stay():
    regions = np.array([[20, 20, 60, 60], [22, 20, 62, 60]], np.float32)
    found = run(regions, features([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]), classes=2)
    assert sorted(found.labels.tolist()) == [1, 2]


def test_each_class_has_its_own_threshold():
    regions = np.array([[0, 0, 20, 20], [50, 50, 80, 80]], np.float32)
    answers = features([[0.3, 0.6, 0.1], [0.3, 0.1, 0.6]])
    found = run(regions, answers, classes=2, confidence={1: 0.7, 2: 0.5})
    assert found.labels.tolist() == [2]


def test_at_most_max_detections_the_best():
    regions = np.array([[x, 0, x + 5, 5] for x in range(0, 90, 10)], np.float32)
    answers = features([[1 - p, p] for p in np.linspace(0.5, 0.9, 9).tolist()])
    found = run(regions, answers, max_detections=2)
    assert found.scores.tolist() == pytest.approx([0.9, 0.85])


def test_boxes_are_clipped_to_the_image():
    region = np.array([[60, 40, 100, 80]], np.float32)
    found = run(region, features([[0.1, 0.9]], box_deltas(region, region + 30)))
    assert found.boxes.tolist() == [[90, 70, 100, 80]]


def test_no_regions_no_detections():
    assert len(run(np.empty((0, 4), np.float32), features([[0.5, 0.5]]))) == 0


def test_a_refinement_describes_the_moved_box_and_averages_its_score():
    region = np.array([[10, 10, 50, 50]], np.float32)
    seen = []

    def describe(boxes: np.ndarray) -> torch.Tensor:
        seen.append(boxes)
        if len(seen) == 1:
            return features([[0.4, 0.6]], box_deltas(boxes, WANTED))
        return features([[0.0, 1.0]], np.zeros((1, 4), np.float32))

    found = detect(describe, region, KnownHead(1), SIZE, DetectRule(0.5, refinements=1))
    np.testing.assert_allclose(seen[1], WANTED, atol=1e-3)
    np.testing.assert_allclose(found.boxes, WANTED, atol=1e-3)
    assert found.scores.tolist() == pytest.approx([0.8], abs=1e-4)


@pytest.mark.parametrize(("power", "scores"), [(0.0, [0.8]), (1.0, [0.72]), (2.0, [0.648])])
def test_the_box_that_fits_better_stays_and_its_score_is_multiplied_by_a_power_of_the_fit(
    power: float, scores: list[float]
):
    regions = np.array([[20, 20, 60, 60], [22, 20, 62, 60]], np.float32)
    answers = torch.cat([features([[0.2, 0.8], [0.2, 0.8]]), torch.tensor([[0.5], [0.9]]).logit()], dim=1)
    found = run(regions, answers, fit_power=power)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
    assert found.boxes.tolist() == [regions[1 if power else 0].tolist()]
