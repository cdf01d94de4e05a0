"""Selective search: our own grouping over OpenCV's graph segmentation.

Uijlings et al., Selective Search for Object Recognition, IJCV 2013, over the segmentation of
Felzenszwalb and Huttenlocher, Efficient Graph-Based Image Segmentation, IJCV 2004. Several colour
spaces, scales of segmentation and mixes of similarity make different hierarchies; their boxes are
ranked together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.kinds.proposer import Proposals
from netlab_builtin.proposers.contrib import ximgproc
from netlab_builtin.proposers.grouping import Measures, merge_regions
from netlab_builtin.proposers.region_features import measure_segmentations, pixel_bins

if TYPE_CHECKING:
    from netlab_builtin.proposers.options import SelectiveSearchOptions


@dataclass(frozen=True, slots=True)
class Strategy:
    """Which hierarchies are built: colour spaces x scales of segmentation x groupings."""

    colour_spaces: tuple[str, ...]
    scales: tuple[float, ...]  # the constant k of the segmentation: larger, larger regions
    groupings: tuple[Measures, ...]


_ALL = frozenset({"colour", "texture", "size", "fill"})
_SHAPE = frozenset({"texture", "size", "fill"})
STRATEGIES = {
    "fast": Strategy(("hsv", "lab"), (150.0, 300.0, 450.0), (_ALL, _SHAPE)),
    "quality": Strategy(
        ("hsv", "lab", "rgi", "hue", "grey"),
        (150.0, 300.0, 450.0, 600.0),
        (_ALL, _SHAPE, frozenset({"fill"}), frozenset({"size"})),
    ),
}


def selective_search(
    image: NDArray[np.uint8], *, limit: int, seed: int, options: SelectiveSearchOptions
) -> Proposals:
    """Propose regions of ``image``, uint8 RGB (H, W, 3).

    Within a hierarchy the last merged region comes first, since it is most often a whole object.
    Across hierarchies regions are ranked by that position times a random number in [0, 1) drawn from
    ``seed``, as the paper does, so that no hierarchy comes first as a whole.
    """
    strategy = STRATEGIES[options.mode]
    rng = np.random.default_rng(seed)
    boxes, priorities = [], []
    for space in strategy.colour_spaces:
        converted = _convert(image, space)
        bins = pixel_bins(converted)
        segmentations = [
            ximgproc.segmentation.createGraphSegmentation(
                options.smoothing, scale, options.min_region
            ).processImage(converted)
            for scale in strategy.scales
        ]
        for regions in measure_segmentations(segmentations, bins):
            for measures in strategy.groupings:
                hierarchy = merge_regions(regions, measures, unions=options.unions)
                boxes.append(hierarchy.boxes)
                priorities.append(hierarchy.levels * rng.random(len(hierarchy.levels)))
    return _ranked(np.concatenate(boxes), np.concatenate(priorities), limit)


def _ranked(boxes: NDArray[np.int64], priorities: NDArray[np.float64], limit: int) -> Proposals:
    """The best ``limit`` different boxes; score 1 / (1 + priority)."""
    order = np.argsort(priorities, kind="stable")
    boxes, priorities = boxes[order], priorities[order]
    _, first = np.unique(boxes, axis=0, return_index=True)
    keep = np.sort(first)[:limit]
    return Proposals(boxes[keep].astype(np.float32), (1.0 / (1.0 + priorities[keep])).astype(np.float32))


def _convert(image: NDArray[np.uint8], space: str) -> NDArray[np.uint8]:
    """``image`` (H, W, 3) in a colour space, uint8 (H, W, channels)."""
    match space:
        case "hsv":
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.uint8)
        case "lab":
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), np.uint8)
        case "hue":
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., :1], np.uint8).copy()
        case "grey":
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
        case "rgi":  # red and green as shares of the brightness, and the brightness
            total = np.maximum(image.astype(np.float32).sum(2), 1.0)
            shares = image[..., :2] * (255.0 / total[..., None])
            return np.concatenate([shares, total[..., None] / 3.0], axis=2).round().astype(np.uint8)
    raise ValueError(f"unknown colour space {space!r}")
