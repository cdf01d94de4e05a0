"""What selective search measures of each region: size, box, colour, texture, neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab_builtin.proposers.grouping import Regions

COLOUR_BINS = 25
TEXTURE_BINS = 10  # for each of the 8 directions of the gradient


@dataclass(frozen=True, slots=True)
class PixelBins:
    """The histogram bin of every pixel, once for each image: int64 (planes, H * W).

    ``colour`` has one plane a channel. ``texture`` has four planes a channel, one an axis of the
    gradient (x, y and both diagonals); bins 0 to 9 count its negative side, steepest first, and bins
    10 to 19 its positive side.
    """

    colour: NDArray[np.int64]
    texture: NDArray[np.int64]


def pixel_bins(image: NDArray[np.uint8]) -> PixelBins:
    """Bins of ``image``, uint8 (H, W, C)."""
    height, width, channels = image.shape
    levels = (np.arange(256, dtype=np.int64) * COLOUR_BINS) // 256
    colour = levels[image.reshape(-1, channels).T]
    dx = cv2.Scharr(image, cv2.CV_16S, 1, 0).reshape(-1, channels).T
    dy = cv2.Scharr(image, cv2.CV_16S, 0, 1).reshape(-1, channels).T
    texture = np.empty((channels, 4, height * width), np.int64)
    for axis, gradient in enumerate((dx, dy, dx + dy, dx - dy)):
        for channel in range(channels):
            texture[channel, axis] = _signed_bins(gradient[channel])
    return PixelBins(colour, texture.reshape(channels * 4, -1))


def _signed_bins(gradient: NDArray[np.int16]) -> NDArray[np.int64]:
    """Each side of zero in 10 equal steps up to its own largest value in the image."""
    low, high = int(gradient.min()), int(gradient.max())
    low, high = min(low, 0), max(high, 0)
    value = np.arange(low, high + 1)
    positive = np.minimum(value * TEXTURE_BINS // max(high, 1), TEXTURE_BINS - 1)
    negative = np.minimum(-value * TEXTURE_BINS // max(-low, 1), TEXTURE_BINS - 1)
    bins = np.where(value >= 0, TEXTURE_BINS + positive, TEXTURE_BINS - 1 - negative)
    return bins.astype(np.int64)[gradient.astype(np.int64) - low]


def measure_segmentations(segmentations: Sequence[NDArray[np.int32]], bins: PixelBins) -> list[Regions]:
    """The regions of each segmentation (H, W) of the image, numbered from 0 without gaps.

    Pixels are counted once, in the cells where the segmentations agree; a region of any of them is a
    union of cells, so its histograms are sums and its box is the box around theirs.
    """
    cells, owners = _common_cells(segmentations)
    n = int(cells.max()) + 1
    flat = cells.reshape(-1)
    sizes = np.bincount(flat, minlength=n)
    colour = np.concatenate(_counts(flat, bins.colour, n, COLOUR_BINS), axis=1)
    texture = np.concatenate(_counts(flat, bins.texture, n, 2 * TEXTURE_BINS), axis=1)
    boxes, pairs = _boxes(cells, n), _touching(cells, n)
    return [_unite(owner, sizes, boxes, colour, texture, pairs, bins) for owner in owners]


def _common_cells(
    segmentations: Sequence[NDArray[np.int32]],
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Cells (H, W) of pixels that no segmentation separates, and of each segmentation its region (cells,)."""
    cells = segmentations[0].astype(np.int64)
    owners = [np.arange(int(cells.max()) + 1)]
    for labels in segmentations[1:]:
        regions = int(labels.max()) + 1
        cells *= regions
        cells += labels
        occurs = np.zeros(len(owners[0]) * regions, bool)
        occurs[cells] = True
        codes = np.flatnonzero(occurs)
        number = np.empty(len(occurs), np.int64)
        number[codes] = np.arange(len(codes))
        cells = number[cells]
        owners = [owner[codes // regions] for owner in owners] + [codes % regions]
    return cells, owners


def _unite(
    owner: NDArray[np.int64],
    sizes: NDArray[np.int64],
    boxes: NDArray[np.int64],
    colour: NDArray[np.float32],
    texture: NDArray[np.float32],
    pairs: NDArray[np.int64],
    bins: PixelBins,
) -> Regions:
    """The regions that own the cells which the other arrays measure."""
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    total = np.add.reduceat(sizes[order], starts)
    weight = (1.0 / total).astype(np.float32)[:, None]
    channels, axes = len(bins.colour), len(bins.texture)
    both_sides = _both_sides(np.add.reduceat(texture[order], starts, axis=0), axes)
    low = np.minimum.reduceat(boxes[order, :2], starts, axis=0)
    high = np.maximum.reduceat(boxes[order, 2:], starts, axis=0)
    return Regions(
        sizes=total,
        boxes=np.concatenate([low, high], axis=1),
        colour=np.asarray(np.add.reduceat(colour[order], starts, axis=0) * (weight / channels), np.float32),
        texture=np.asarray(both_sides * (weight / (2 * axes)), np.float32),
        pairs=_distinct_pairs(owner[pairs[:, 0]], owner[pairs[:, 1]], len(starts)),
        image_size=int(sizes.sum()),
    )


def _counts(
    flat: NDArray[np.int64], planes: NDArray[np.int64], n: int, bins: int
) -> list[NDArray[np.float32]]:
    """A histogram (n, bins) of every region in every plane."""
    first_bin = flat * bins
    index = np.empty_like(flat)
    counts = (np.bincount(np.add(first_bin, plane, out=index), minlength=n * bins) for plane in planes)
    return [count.reshape(n, bins).astype(np.float32) for count in counts]


def _both_sides(counts: NDArray[np.float32], axes: int) -> NDArray[np.float32]:
    """Two histograms of 10 bins from each of 20: a pixel on one side is in the other's first bin."""
    counts = counts.reshape(len(counts), axes, 2, TEXTURE_BINS)
    sides = np.stack([counts[:, :, 0, ::-1], counts[:, :, 1]], axis=2)
    sides[..., 0] += sides.sum(3)[:, :, ::-1]
    return sides.reshape(len(counts), -1)


def _boxes(labels: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    height, width = labels.shape
    in_row = np.zeros((n, height), bool)
    in_row[labels, np.arange(height)[:, None]] = True
    in_column = np.zeros((n, width), bool)
    in_column[labels, np.arange(width)[None, :]] = True
    return np.stack(
        [
            in_column.argmax(1),
            in_row.argmax(1),
            width - in_column[:, ::-1].argmax(1),
            height - in_row[:, ::-1].argmax(1),
        ],
        axis=1,
    )


def _touching(labels: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Pairs of labels that share a pixel's side or corner, each once."""
    codes = []
    for first, second in (
        (labels[:, :-1], labels[:, 1:]),
        (labels[:-1], labels[1:]),
        (labels[:-1, :-1], labels[1:, 1:]),
        (labels[:-1, 1:], labels[1:, :-1]),
    ):
        differ = first != second
        codes.append(first[differ] * n + second[differ])
    found = np.unique(np.concatenate(codes))
    return _distinct_pairs(found // n, found % n, n)


def _distinct_pairs(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The pairs of different numbers below ``n``, each once, the lower number first: int64 (m, 2)."""
    codes = np.unique((np.minimum(a, b) * n + np.maximum(a, b))[a != b])
    return np.stack([codes // n, codes % n], axis=1)
