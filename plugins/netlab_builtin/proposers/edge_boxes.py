"""Edge Boxes as OpenCV implements it, on gradients in place of learnt edges.

Zitnick and Dollar, Edge Boxes: Locating Object Proposals from Edges, ECCV 2014: a box scores by the
edge groups that lie wholly inside it. Their learnt edge detector needs a model file, which is not
shipped; the magnitude of the Scharr gradient stands in for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.kinds.proposer import Proposals
from netlab_builtin.proposers.contrib import ximgproc

if TYPE_CHECKING:
    from netlab_builtin.proposers.options import EdgeBoxesOptions

# Box search scores every position at once and gives the best first, so a fixed large number of
# boxes is asked for: fewer would not be a prefix of more.
_MOST_BOXES = 10_000


def edge_boxes(image: NDArray[np.uint8], *, limit: int, seed: int, options: EdgeBoxesOptions) -> Proposals:
    """Propose boxes of ``image``, uint8 RGB (H, W, 3). Nothing is random: ``seed`` has no effect."""
    del seed
    edges, orientation = _edges(image)
    search = ximgproc.createEdgeBoxes(
        alpha=options.alpha,
        beta=options.beta,
        minScore=options.min_score,
        minBoxArea=options.min_area,
        maxAspectRatio=options.max_aspect,
        maxBoxes=_MOST_BOXES,
    )
    nothing = Proposals(np.empty((0, 4), np.float32), np.empty(0, np.float32))
    if min(edges.shape) < 3 or not edges.any():
        return nothing
    found, scores = search.getBoundingBoxes(edges, orientation)
    if len(found) == 0:
        return nothing
    boxes = np.asarray(found, np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.asarray(scores, np.float32).reshape(-1)
    # Of windows of a few pixels OpenCV gives scores that are no numbers, and boxes that are empty.
    sound = np.isfinite(scores) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    boxes, scores = boxes[sound], scores[sound]
    order = np.lexsort((*boxes.T, -scores))[:limit]
    return Proposals(boxes[order], scores[order])


def _edges(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Thin edges in [0, 1] and the direction of each, float32 (H, W), the latter in [0, pi)."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    dx = np.asarray(cv2.Scharr(grey, cv2.CV_32F, 1, 0), np.float32)
    dy = np.asarray(cv2.Scharr(grey, cv2.CV_32F, 0, 1), np.float32)
    strength = np.hypot(dx, dy)
    # Across the edge, as Edge Boxes wants it: the direction of the gradient, folded to half a turn.
    orientation = np.mod(np.arctan2(dy, dx), np.float32(np.pi)).astype(np.float32)
    thin = _thin(strength, dx, dy)
    top = np.percentile(strength, 99.0)
    return np.clip(thin / max(float(top), 1e-6), 0.0, 1.0).astype(np.float32), orientation


def _thin(
    strength: NDArray[np.float32], dx: NDArray[np.float32], dy: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Keep a pixel only where it is not below its two neighbours across the edge."""
    padded = np.pad(strength, 1)
    height, width = strength.shape
    step_x = np.where(np.abs(dx) * 2.414 >= np.abs(dy), np.sign(dx), 0).astype(np.int64)
    step_y = np.where(np.abs(dy) * 2.414 >= np.abs(dx), np.sign(dy), 0).astype(np.int64)
    y, x = np.ogrid[1 : height + 1, 1 : width + 1]
    ahead = padded[y + step_y, x + step_x]
    behind = padded[y - step_y, x - step_x]
    return np.where((strength >= ahead) & (strength >= behind), strength, np.float32(0.0))
