"""The regions that a detector is trained on: labelled, and described once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.data.cache import array_digest, cache_key
from netlab.data.image_files import RGB
from netlab.detection.boxes import box_deltas, clip_boxes, flip_boxes
from netlab.detection.model.features import RegionFeatures
from netlab.detection.proposals.cache import cached_array
from netlab.detection.proposals.labels import IGNORED, LabelRule, label_regions

JITTER_SHIFT = 0.25  # of the box's sides
JITTER_GROWTH = 0.32  # of the logarithm of each side


@dataclass(frozen=True, slots=True)
class LabelledRegions:
    """The regions of one image.

    ``regions`` float32 (N, 4): true boxes, their jittered copies, proposals. ``labels`` int64 (N,) as
    in ``label_regions``. ``targets`` float32 (N, 4): the deltas to the best true box, and
    ``regressed`` int64 (N,) that box's class where it is close enough to learn from, else 0.
    ``candidates`` bool (N,): background of any IoU below the positive, for hard negatives. ``iou`` float32
    (N,): that with the best true box.
    """

    regions: NDArray[np.float32]
    labels: NDArray[np.int64]
    targets: NDArray[np.float32]
    regressed: NDArray[np.int64]
    candidates: NDArray[np.bool_]
    iou: NDArray[np.float32]


def label_image(
    proposals: NDArray[np.float32],
    truth: NDArray[np.float32],
    classes: NDArray[np.int64],
    difficult: NDArray[np.bool_],
    size: tuple[int, int],
    *,
    rule: LabelRule,
    regression_iou: float,
    jitter: int,
    rng: np.random.Generator,
) -> LabelledRegions:
    """Add the true boxes that are not difficult and ``jitter`` copies of each, then label everything."""
    own = truth[~difficult]
    regions = np.concatenate([own, jittered(own, jitter, size, rng), proposals]).astype(np.float32)
    found = label_regions(regions, truth, classes, difficult, rule)
    matched = found.best >= 0
    targets = np.zeros((len(regions), 4), np.float32)
    targets[matched] = box_deltas(regions[matched], truth[found.best[matched]])
    close = matched & (found.iou >= regression_iou) & ~_on_difficult(found.best, difficult)
    regressed = np.zeros(len(regions), np.int64)
    regressed[close] = classes[found.best[close]]
    hard = (found.iou < rule.high) & ~(_on_difficult(found.best, difficult) & (found.iou >= rule.low))
    return LabelledRegions(regions, found.labels, targets, regressed, hard, found.iou)


def _on_difficult(best: NDArray[np.int64], difficult: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if len(difficult) == 0:
        return np.zeros(len(best), bool)
    return difficult[best] & (best >= 0)


def jittered(
    boxes: NDArray[np.float32], copies: int, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """``copies`` of every box (M, 4), each shifted and stretched at random and cut to the image.

    Few objects have many proposals close to them; these copies show the head what lies between a
    perfect box and a poor one.
    """
    repeated = np.repeat(boxes, copies, axis=0).astype(np.float64)
    sides = repeated[:, 2:] - repeated[:, :2]
    centre = (repeated[:, :2] + repeated[:, 2:]) / 2
    centre += rng.uniform(-JITTER_SHIFT, JITTER_SHIFT, centre.shape) * sides
    half = sides * np.exp(rng.uniform(-JITTER_GROWTH, JITTER_GROWTH, sides.shape)) / 2
    moved = clip_boxes(np.concatenate([centre - half, centre + half], axis=1).astype(np.float32), *size)
    return moved[(moved[:, 2:] - moved[:, :2] >= 1.0).all(axis=1)]


def describe_regions(
    image: RGB,
    regions: NDArray[np.float32],
    features: RegionFeatures,
    *,
    flipped: bool,
    folder: Path | None,
    features_key: str,
) -> NDArray[np.float16]:
    """Features float16 (N, D) of ``regions``, or of their mirror images; kept in ``folder``."""
    key = cache_key(
        image=array_digest(image), flipped=flipped, features=features_key, regions=array_digest(regions)
    )

    def compute() -> NDArray[np.float16]:
        if len(regions) == 0:
            return np.empty((0, features.dimension), np.float16)
        seen = np.ascontiguousarray(image[:, ::-1]) if flipped else image
        boxes = flip_boxes(regions, image.shape[1]) if flipped else regions
        found = features.prepare(seen)(boxes).numpy()
        return np.clip(found, -65_000, 65_000).astype(np.float16)

    return cached_array(folder, key, (len(regions), features.dimension), compute)


class RegionSet:
    """All regions of all training images, numbered from 0, with their features.

    ``labels``, ``regressed``, ``iou`` (N,), ``targets`` (N, 4) and ``candidates`` are in memory; features are
    fetched by number, from files mapped into memory.
    """

    def __init__(
        self,
        images: Sequence[LabelledRegions],
        features: Sequence[NDArray[np.float16]],
        flips: Sequence[bool],
    ) -> None:
        self._features = [np.asarray(one) for one in features]  # a memmap is slow to index
        self._starts = np.cumsum([0, *(len(image.labels) for image in images)])
        self.labels = np.concatenate([image.labels for image in images])
        self.regressed = np.concatenate([image.regressed for image in images])
        self.candidates = np.concatenate([image.candidates for image in images])
        self.iou = np.concatenate([image.iou for image in images])
        mirror = np.array([-1, 1, 1, 1], np.float32)  # mirrored, the shift along x changes its sign
        self.targets = np.concatenate(
            [
                image.targets * mirror if flip else image.targets
                for image, flip in zip(images, flips, strict=True)
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, numbers: NDArray[np.int64]) -> Tensor:
        """Features float32 (n, D) of the regions of these numbers."""
        rows = np.empty((len(numbers), self._features[0].shape[1]), np.float16)
        owner = np.searchsorted(self._starts, numbers, side="right") - 1
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], np.arange(len(self._features) + 1))
        for image in np.unique(owner):
            chosen = order[bounds[image] : bounds[image + 1]]
            rows[chosen] = self._features[image][numbers[chosen] - self._starts[image]]
        # torch converts half precision several times faster than NumPy.
        return torch.from_numpy(rows).float()

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """The numbers of one image's regions after another's."""
        for first, last in itertools.pairwise(self._starts.tolist()):
            yield np.arange(first, last)

    @property
    def ignored(self) -> int:
        return int((self.labels == IGNORED).sum())
