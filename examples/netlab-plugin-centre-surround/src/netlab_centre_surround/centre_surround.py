"""The proposer 'centre-surround'."""

import cv2
import numpy as np

from netlab.kinds.proposer import Proposals

SHAPES = ((1.0, 1.0), (0.71, 1.41), (1.41, 0.71))  # height and width over the side: areas are alike
GROWTH = 1.41  # of the side from one scale to the next


def centre_surround(image, *, limit, seed, options):
    """Windows of many sizes, those first whose colours differ most from those around them.

    ``image`` is uint8 RGB (H, W, 3). Boxes float32 (N, 4) as x1, y1, x2, y2, 0-based and half-open,
    inside the image; scores float32 (N,) in [0, 1], not increasing. Ties keep the order of the grid.

    The score is the colour contrast of Alexe, Deselaers and Ferrari, Measuring the Objectness of Image
    Windows, TPAMI 2012, section 2.2: the chi-square distance of two histograms of CIELAB colours, that of
    the window and that of the ring around it, which reaches ``options.ring`` times as far from the centre.
    It is half of ``sum (h - g)^2 / (h + g)``: 0 for the same colours, 1 for none in common. A window whose
    ring is outside the image has the score 0. Nothing is drawn at random.
    """
    height, width = image.shape[:2]
    boxes = windows(height, width, options.side)
    table = integral(colour_bins(image, options.bins), options.bins**3)
    inside = counts(table, boxes)
    ring = counts(table, enlarged(boxes, options.ring, height, width)) - inside
    scores = chi_square(inside, ring).astype(np.float32)
    best = np.argsort(-scores, kind="stable")[:limit]
    return Proposals(boxes[best].astype(np.float32), scores[best])


def windows(height, width, side):
    """The whole image, then a grid of windows of every scale and shape, int64 (N, 4)."""
    found = [np.array([[0, 0, width, height]])]
    scale = float(side)
    while scale < max(height, width):
        for tall, wide in SHAPES:
            h, w = round(scale * tall), round(scale * wide)
            if h > height or w > width:
                continue
            tops = np.arange(0, height - h + 1, max(h // 4, 1))
            lefts = np.arange(0, width - w + 1, max(w // 4, 1))
            top, left = (grid.ravel() for grid in np.meshgrid(tops, lefts, indexing="ij"))
            found.append(np.stack([left, top, left + w, top + h], axis=1))
        scale *= GROWTH
    return np.concatenate(found)


def colour_bins(image, bins):
    """The bin of every pixel's CIELAB colour, ``bins`` a channel, int64 (H, W)."""
    lab = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB).astype(np.int64) * bins // 256
    return (lab[..., 0] * bins + lab[..., 1]) * bins + lab[..., 2]


def integral(codes, bins):
    """How many pixels of each bin are above and left of every corner, int32 (H + 1, W + 1, bins)."""
    height, width = codes.shape
    table = np.zeros((height + 1, width + 1, bins), np.int32)
    table[1:, 1:] = codes[..., None] == np.arange(bins)
    return table.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)


def counts(table, boxes):
    """The histogram of every box, int64 (N, bins)."""
    x1, y1, x2, y2 = boxes.T
    return table[y2, x2].astype(np.int64) - table[y1, x2] - table[y2, x1] + table[y1, x1]


def enlarged(boxes, factor, height, width):
    """The boxes, ``factor`` times as large about their centres, cut off at the image's edge."""
    x1, y1, x2, y2 = boxes.T
    across, down = (np.round((factor - 1) * (b - a) / 2).astype(int) for a, b in ((x1, x2), (y1, y2)))
    return np.stack(
        [
            np.maximum(x1 - across, 0),
            np.maximum(y1 - down, 0),
            np.minimum(x2 + across, width),
            np.minimum(y2 + down, height),
        ],
        axis=1,
    )


def chi_square(first, second):
    """Half the chi-square distance of histograms (N, bins), each taken as shares; 0 where one is empty."""
    totals = first.sum(axis=1, keepdims=True), second.sum(axis=1, keepdims=True)
    h, g = first / np.maximum(totals[0], 1), second / np.maximum(totals[1], 1)
    distance = ((h - g) ** 2 / np.maximum(h + g, 1e-12)).sum(axis=1) / 2
    return np.where((totals[0] * totals[1]).ravel() > 0, distance, 0.0)
