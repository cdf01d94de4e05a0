"""What selective search measures of each region: size, box, colour, texture, neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab_proposers.grouping import Regions

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


def measure_regions(labels: NDArray[np.int32], bins: PixelBins) -> Regions:
    """The regions of a segmentation ``labels`` (H, W), numbered from 0 without gaps."""
    n = int(labels.max()) + 1
    height, width = labels.shape
    flat = labels.reshape(-1).astype(np.int64)
    sizes = np.bincount(flat, minlength=n)
    weight = (1.0 / sizes).astype(np.float32)[:, None]
    colour = np.concatenate(_counts(flat, bins.colour, n, COLOUR_BINS), axis=1)
    texture = np.concatenate(
        [_both_sides(counts) for counts in _counts(flat, bins.texture, n, 2 * TEXTURE_BINS)], axis=1
    )
    return Regions(
        sizes=sizes,
        boxes=_boxes(labels, n),
        colour=colour * (weight / len(bins.colour)),
        texture=texture * (weight / (2 * len(bins.texture))),
        pairs=_touching(labels, n),
        image_size=height * width,
    )


def _counts(
    flat: NDArray[np.int64], planes: NDArray[np.int64], n: int, bins: int
) -> list[NDArray[np.float32]]:
    """A histogram (n, bins) of every region in every plane."""
    first_bin = flat * bins
    index = np.empty_like(flat)
    counts = (np.bincount(np.add(first_bin, plane, out=index), minlength=n * bins) for plane in planes)
    return [count.reshape(n, bins).astype(np.float32) for count in counts]


def _both_sides(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two histograms of 10 bins from one of 20: a pixel on one side is in the other's first bin."""
    negative, positive = counts[:, TEXTURE_BINS - 1 :: -1].copy(), counts[:, TEXTURE_BINS:].copy()
    negative_total, positive_total = negative.sum(1), positive.sum(1)
    negative[:, 0] += positive_total
    positive[:, 0] += negative_total
    return np.concatenate([negative, positive], axis=1)


def _boxes(labels: NDArray[np.int32], n: int) -> NDArray[np.int64]:
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


def _touching(labels: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Pairs of regions that share a pixel's side or corner, each once."""
    codes = []
    for first, second in (
        (labels[:, :-1], labels[:, 1:]),
        (labels[:-1], labels[1:]),
        (labels[:-1, :-1], labels[1:, 1:]),
        (labels[:-1, 1:], labels[1:, :-1]),
    ):
        differ = first != second
        a, b = first[differ].astype(np.int64), second[differ].astype(np.int64)
        codes.append(np.minimum(a, b) * n + np.maximum(a, b))
    pairs = np.unique(np.concatenate(codes))
    return np.stack([pairs // n, pairs % n], axis=1)
