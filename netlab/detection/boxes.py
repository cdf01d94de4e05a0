"""Boxes: x1, y1, x2, y2 in pixels, half-open and 0-based, float32, everywhere in netlab.

A box that covers the whole image is 0, 0, width, height, and its area is (x2 - x1) * (y2 - y1).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision import ops

# Regression targets are divided by these, so that all four have about unit variance.
DELTA_SCALE = (0.1, 0.1, 0.2, 0.2)
_LARGEST_GROWTH = 4.0  # a regressed side is at most exp(4) times the proposal's


def iou_matrix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4): (N, M).

    A pair of empty boxes has IoU 0.
    """
    matrix = ops.box_iou(_tensor(a), _tensor(b))
    return torch.nan_to_num(matrix, nan=0.0).numpy()


def clip_boxes(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """``boxes`` (N, 4) cut to an image of ``width`` by ``height`` pixels."""
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)


def scale_boxes(boxes: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    """``boxes`` (N, 4) of an image stretched by ``x`` and ``y``."""
    return (boxes * np.array([x, y, x, y], np.float64)).astype(np.float32)


def flip_boxes(boxes: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """``boxes`` (N, 4) of the image of ``width`` pixels, mirrored left to right."""
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], axis=1).astype(np.float32)


def grow_boxes(boxes: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """``boxes`` (N, 4) with both sides ``factor`` times as long about the same centre."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) * (factor / 2)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def box_deltas(boxes: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """What turns each of ``boxes`` (N, 4) into ``targets`` (N, 4), as regression targets (N, 4).

    With centre (cx, cy) and sides (w, h) of a box, and those of its target primed:
    ((cx' - cx) / w, (cy' - cy) / h, log(w' / w), log(h' / h)) / ``DELTA_SCALE``
    (Girshick et al., Rich Feature Hierarchies, CVPR 2014, appendix C).
    """
    size, target_size = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    shift = (targets[:, :2] + targets[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2 / size
    return (np.concatenate([shift, np.log(target_size / size)], axis=1) / DELTA_SCALE).astype(np.float32)


def apply_deltas(boxes: NDArray[np.float32], deltas: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of ``box_deltas``: ``boxes`` (N, 4) moved by ``deltas`` (N, 4)."""
    shift, growth = np.split(deltas * np.array(DELTA_SCALE, np.float32), 2, axis=1)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + shift * size
    half = size * np.exp(np.minimum(growth, _LARGEST_GROWTH)) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def suppress(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], classes: NDArray[np.int64], iou: float
) -> NDArray[np.int64]:
    """Non-maximum suppression in each class: indices kept, best score first.

    A box is dropped when a kept box of its class and of higher score overlaps it by more than
    ``iou``. Equal scores: the first given comes first.
    """
    order = np.argsort(-scores, kind="stable")
    kept = ops.batched_nms(
        _tensor(boxes[order]), _tensor(_distinct(scores[order])), torch.from_numpy(classes[order]), iou
    )
    return order[np.sort(kept.numpy())]


def _distinct(descending: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores that fall strictly in the same order, since NMS does not promise an order of ties."""
    return -np.arange(len(descending), dtype=np.float32)


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
