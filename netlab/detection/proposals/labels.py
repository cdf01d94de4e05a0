"""Labelling regions by the true boxes of their image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlab.detection.boxes import iou_matrix

BACKGROUND = 0
IGNORED = -1


@dataclass(frozen=True, slots=True)
class LabelRule:
    """IoU with the best true box: ``positive`` and above is that box's class, ``low`` to ``high``
    (exclusive) is background, everything else is ignored."""

    positive: float = 0.5
    low: float = 0.1
    high: float = 0.5


@dataclass(frozen=True, slots=True)
class RegionLabels:
    """``labels`` int64 (N,): 0 background, k >= 1 the k-th class, -1 ignored; ``best`` int64 (N,) the
    true box of the largest IoU (-1 if the image has none) and ``iou`` float32 (N,) that IoU."""

    labels: NDArray[np.int64]
    best: NDArray[np.int64]
    iou: NDArray[np.float32]


def label_regions(
    regions: NDArray[np.float32],
    truth: NDArray[np.float32],
    classes: NDArray[np.int64],
    difficult: NDArray[np.bool_],
    rule: LabelRule = LabelRule(),
) -> RegionLabels:
    """Label ``regions`` (N, 4) by ``truth`` (M, 4) of ``classes`` (M,), numbered from 1.

    Each region gets one label, by the true box that it overlaps most; of equal overlaps, the first.
    A region whose best true box is ``difficult`` (M,) is ignored unless it hardly touches it (IoU
    below ``rule.low``). In an image without objects every region is background.
    """
    n = len(regions)
    if len(truth) == 0:
        return RegionLabels(np.zeros(n, np.int64), np.full(n, -1), np.zeros(n, np.float32))
    overlaps = iou_matrix(regions, truth)
    best = overlaps.argmax(axis=1)
    iou = overlaps[np.arange(n), best]
    labels = np.full(n, IGNORED, np.int64)
    labels[(iou >= rule.low) & (iou < rule.high)] = BACKGROUND
    positive = iou >= rule.positive
    labels[positive] = classes[best[positive]]
    labels[difficult[best] & (iou >= rule.low)] = IGNORED
    return RegionLabels(labels, best, iou)
