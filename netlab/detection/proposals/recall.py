"""How good proposals are: recall, average recall and mean average best overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlab.detection.boxes import iou_matrix

LIMITS = (100, 500, 1000, 2000)
AVERAGED_IOUS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True, slots=True)
class ProposalRecall:
    """For the best ``limit`` proposals an image: the share of objects overlapped by at least .5 and
    .7, the mean of that share over IoU .5:.05:.95 (average recall; Hosang et al., What Makes for
    Effective Detection Proposals, PAMI 2016), and MABO, the mean over classes of the mean best
    overlap of an object (Uijlings et al., IJCV 2013)."""

    limit: int
    recall50: float
    recall70: float
    average_recall: float
    mabo: float


def best_overlaps(
    proposals: NDArray[np.float32], truth: NDArray[np.float32], limits: Sequence[int] = LIMITS
) -> NDArray[np.float32]:
    """The largest IoU of each of ``truth`` (M, 4) with the first ``limit`` proposals: (limits, M)."""
    overlaps = iou_matrix(proposals, truth)
    return np.stack([overlaps[:limit].max(axis=0, initial=0.0) for limit in limits])


def proposal_recall(
    overlaps: Iterable[tuple[NDArray[np.float32], Sequence[str]]], limits: Sequence[int] = LIMITS
) -> list[ProposalRecall]:
    """One row a limit, from ``best_overlaps`` and the class names of the objects of every image."""
    pairs = list(overlaps)
    best = np.concatenate([found for found, _ in pairs], axis=1)
    names = np.array([name for _, classes in pairs for name in classes])
    return [
        ProposalRecall(
            limit,
            float((row >= 0.5).mean()),
            float((row >= 0.7).mean()),
            float((row[:, None] >= AVERAGED_IOUS).mean()),
            float(np.mean([row[names == name].mean() for name in np.unique(names)])),
        )
        for limit, row in zip(limits, best, strict=True)
    ]
