"""Sliding windows of several scales and ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.proposer import Proposals

if TYPE_CHECKING:
    from netlab_builtin.proposers.options import SlidingWindowOptions


def sliding_window(
    image: NDArray[np.uint8], *, limit: int, seed: int, options: SlidingWindowOptions
) -> Proposals:
    """Windows over ``image``, uint8 RGB (H, W, 3); its pixels are not looked at.

    A window of scale s and ratio r has height s * min(H, W) / sqrt(r) and width r times that, cut to
    the image. The last window of a row or column ends at the image's border. All windows are
    shuffled by ``seed``, so that any number of them covers the image and the scales evenly.
    """
    height, width = image.shape[:2]
    grids = []
    for scale in options.scales:
        for ratio in options.ratios:
            w = min(max(scale * min(height, width) * ratio**0.5, 1.0), float(width))
            h = min(max(scale * min(height, width) / ratio**0.5, 1.0), float(height))
            x, y = _starts(width, w, options.stride), _starts(height, h, options.stride)
            left, top = (grid.ravel() for grid in np.meshgrid(x, y))
            grids.append(np.stack([left, top, left + w, top + h], axis=1))
    rounded = np.concatenate(grids).round()
    rounded[:, 2:] = np.maximum(rounded[:, 2:], rounded[:, :2] + 1)  # from 35.5 to 36.5 would be none
    boxes = np.unique(rounded.astype(np.float32), axis=0)
    boxes = boxes[np.random.default_rng(seed).permutation(len(boxes))]
    scores = (1.0 - np.arange(len(boxes)) / len(boxes)).astype(np.float32)
    return Proposals(boxes[:limit], scores[:limit])


def _starts(length: int, window: float, stride: float) -> NDArray[np.float64]:
    """Evenly spaced starts from 0 to ``length - window``, at most ``stride * window`` apart."""
    steps = int(np.ceil((length - window) / (stride * window)))
    return np.linspace(0.0, length - window, steps + 1)
