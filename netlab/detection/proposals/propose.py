"""Running a proposer on an image: what every proposer needs done is done here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from netlab.data.image_files import RGB
from netlab.detection.boxes import clip_boxes, scale_boxes
from netlab.errors import PluginError
from netlab.kinds.proposer import Proposals, Proposer

# A proposer is always asked for this many, so that fewer are the first of more and one cached answer
# serves every limit.
MOST_PROPOSALS = 10_000


@dataclass(frozen=True, slots=True)
class ProposerSettings:
    """How proposals are made, in full: the same settings and image give the same proposals.

    Images are brought to ``long_side`` pixels on their longer side before the proposer sees them,
    enlarged at most ``LARGEST_ENLARGEMENT`` times: graph segmentation needs pixels to work with.
    Boxes with a side under ``min_side`` pixels of that size are dropped.
    """

    name: str
    distribution: str
    version: str
    options: Mapping[str, Any]
    long_side: int = 400
    min_side: float = 10.0
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """All of it, by which kept proposals are known."""
        return {**self.choices(), "distribution": self.distribution, "version": self.version}

    def choices(self) -> dict[str, Any]:
        """What was chosen; who supplies the proposer is recorded elsewhere."""
        return {
            "name": self.name,
            "options": dict(self.options),
            "long_side": self.long_side,
            "min_side": self.min_side,
            "seed": self.seed,
        }


LARGEST_ENLARGEMENT = 3.0


def propose(image: RGB, proposer: Proposer, options: Any, settings: ProposerSettings) -> Proposals:
    """All proposals for ``image``, in its own pixels, best first: clipped, no two the same.

    Raises:
        PluginError: the proposer broke its contract; the message says how.
    """
    height, width = image.shape[:2]
    scale = min(settings.long_side / max(height, width), LARGEST_ENLARGEMENT)
    small = resize(image, max(round(width * scale), 1), max(round(height * scale), 1))
    found = proposer(small, limit=MOST_PROPOSALS, seed=settings.seed, options=options)
    if problem := proposals_problem(found, MOST_PROPOSALS):
        who = f"proposer '{settings.name}' of {settings.distribution} {settings.version}"
        raise PluginError(f"{who} broke its contract: {problem}")
    boxes, scores = found.boxes, found.scores
    boxes = clip_boxes(boxes, small.shape[1], small.shape[0])
    large = (boxes[:, 2:] - boxes[:, :2] >= settings.min_side).all(axis=1)
    boxes, scores = boxes[large], scores[large]
    boxes = clip_boxes(scale_boxes(boxes, width / small.shape[1], height / small.shape[0]), width, height)
    _, first = np.unique(boxes, axis=0, return_index=True)
    first = np.sort(first)
    return Proposals(boxes[first], scores[first])


def resize(image: RGB, width: int, height: int) -> RGB:
    """``image`` at another size: averaged when it shrinks, interpolated when it grows."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def first_proposals(proposals: Proposals, limit: int) -> Proposals:
    """The best ``limit`` of them."""
    return Proposals(proposals.boxes[:limit], proposals.scores[:limit])


def proposals_problem(found: Any, limit: int) -> str:
    """What is wrong with a proposer's result by its contract, or an empty text.

    Boxes may lie outside of the image: they are clipped.
    """
    if not isinstance(found, Proposals):
        return f"it gave {type(found).__name__}, not Proposals"
    boxes, scores = found.boxes, found.scores
    for name, array in (("boxes", boxes), ("scores", scores)):
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            return f"its {name} are {getattr(array, 'dtype', type(array).__name__)}, expected a float32 array"
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        return f"it gave boxes {boxes.shape} and scores {scores.shape}; expected (N, 4) and (N,)"
    if len(boxes) > limit:
        return f"it gave {len(boxes)} proposals, more than the {limit} that it was asked for"
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        return "it gave boxes or scores that are not finite"
    if (boxes[:, 2:] < boxes[:, :2]).any():
        return "it gave boxes whose x2 or y2 is less than x1 or y1"
    if (np.diff(scores) > 0).any():
        return "it did not give its best proposals first"
    return ""
