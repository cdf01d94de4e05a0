"""How good proposals are: recall, average recall and mean average best overlap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB, ImageError, read_image
from netlab.detection.boxes import iou_matrix
from netlab.detection.data.annotation import AnnotatedImage
from netlab.errors import UsageError

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


@dataclass(frozen=True, slots=True)
class ProposerMeasurement:
    """A proposer on a data set: recall by number of boxes, mean boxes and seconds an image."""

    proposer: str
    boxes: float
    seconds: float
    rows: list[ProposalRecall]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_proposer(
    name: str,
    propose: Callable[[RGB], NDArray[np.float32]],
    images: Sequence[AnnotatedImage],
    *,
    limit: int,
    unread: Callable[[str], None],
    advance: Callable[[], None] = lambda: None,
) -> ProposerMeasurement:
    """Recall of a proposer on images that have objects, for the numbers of boxes up to ``limit``.

    ``propose`` gives boxes (N, 4) in pixels, the best first. ``unread`` is called with what is wrong with an
    image that can not be read: it is left out; ``advance`` after every image that was measured.

    Raises:
        UsageError: no image can be read.
    """
    overlaps, counts, seconds = [], [], 0.0
    for image in images:
        try:
            pixels = read_image(image.path)
        except ImageError as error:
            unread(str(error))
            continue
        began = time.perf_counter()
        boxes = propose(pixels)
        seconds += time.perf_counter() - began
        overlaps.append((best_overlaps(boxes, image.boxes), image.names))
        counts.append(len(boxes))
        advance()
    if not counts:
        raise UsageError("there is no image with objects that can be read: nothing to measure on")
    limits = [most for most in LIMITS if most <= limit] or [limit]
    rows = proposal_recall(overlaps)[: len(limits)]
    return ProposerMeasurement(name, float(np.mean(counts)), seconds / len(counts), rows)
