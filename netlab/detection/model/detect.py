"""From regions and their features to detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from netlab.detection.boxes import apply_deltas, clip_boxes, suppress
from netlab.detection.model.features import Describe
from netlab.detection.model.head import DetectionHead
from netlab.errors import NetlabError


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one image, best first.

    ``boxes`` float32 (n, 4) xyxy half-open in pixels of the image; ``scores`` float32 (n,) in [0, 1];
    ``labels`` int64 (n,) from 1, an index into the class names with background at 0.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


NOTHING = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class DetectRule:
    """How detections are made of scored regions.

    ``confidence`` is the least score, the same for all classes or by label; ``iou`` the overlap above
    which the weaker of two boxes of a class is dropped; ``refinements`` how often the best regions
    are described and scored again where the regression has moved them. ``fit_power`` is the power of the
    predicted IoU by which the probability of a class is multiplied; 0: it is not asked.
    """

    confidence: float | Mapping[int, float] = 0.05
    iou: float = 0.3
    max_detections: int = 100
    refinements: int = 1
    fit_power: float = 0.0

    def least(self, label: int) -> float:
        return self.confidence if isinstance(self.confidence, float) else self.confidence.get(label, 0.05)


REFINED_REGIONS = 100  # of each class, the best
NEARLY_THE_SAME = 0.75  # IoU


def detect(
    describe: Describe,
    regions: NDArray[np.float32],
    head: DetectionHead,
    size: tuple[int, int],
    rule: DetectRule,
    features: torch.Tensor | None = None,
) -> Detections:
    """Detections among ``regions`` (N, 4) of an image of ``size`` (width, height).

    Every region is scored by the softmax of its logits, times a power of its predicted IoU. For each class
    the regression moves the box; in a refinement the best of the moved boxes are described again, their score
    becomes the mean of all scores so far, and they are moved once more. Background is dropped, boxes are
    clipped, weak ones dropped, and the rest suppressed class by class.
    """
    if len(regions) == 0:
        return NOTHING
    found = []
    scores, deltas = _score(head, describe(regions) if features is None else features, rule.fit_power)
    for label in range(1, head.classes + 1):
        boxes = clip_boxes(apply_deltas(regions, deltas[:, label - 1]), *size)
        score = scores[:, label]
        for step in range(rule.refinements):
            best = _worth_refining(boxes, score)
            if len(best) == 0:
                boxes, score = boxes[best], score[best]
                break
            boxes = boxes[best]
            again, moved = _score(head, describe(boxes), rule.fit_power)
            score = ((score[best] * (step + 1) + again[:, label]) / (step + 2)).astype(np.float32)
            boxes = clip_boxes(apply_deltas(boxes, moved[:, label - 1]), *size)
        keep = (score >= rule.least(label)) & (boxes[:, 2:] - boxes[:, :2] >= 1.0).all(axis=1)
        found.append((boxes[keep], score[keep], np.full(int(keep.sum()), label, np.int64)))
    boxes, score, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = suppress(boxes, score, labels, rule.iou)[: rule.max_detections]
    return Detections(boxes[kept], score[kept], labels[kept])


def _worth_refining(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best boxes, of those that nearly coincide only the best: so that every object has some."""
    large = np.flatnonzero((boxes[:, 2:] - boxes[:, :2] >= 1.0).all(axis=1))
    kept = suppress(boxes[large], scores[large], np.zeros(len(large), np.int64), NEARLY_THE_SAME)
    return large[kept[:REFINED_REGIONS]]


def _score(
    head: DetectionHead, features: torch.Tensor, fit_power: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores (N, K + 1) and deltas (N, K, 4)."""
    with torch.inference_mode():
        logits, deltas, fit = head(features.float())
        if not (logits.isfinite().all() and deltas.isfinite().all()):
            raise NetlabError("the detector's head gives values that are not finite: its weights are ruined")
        scores = logits.softmax(1)
        if fit is not None and fit_power:
            scores = scores * fit.sigmoid().pow(fit_power)[:, None]
        return scores.numpy(), deltas.numpy()
