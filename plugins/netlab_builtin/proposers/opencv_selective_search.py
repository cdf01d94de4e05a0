"""Selective search as OpenCV implements it: the reference for our own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netlab.kinds.proposer import Proposals
from netlab_builtin.proposers.contrib import ximgproc

if TYPE_CHECKING:
    from netlab_builtin.proposers.options import OpenCVSelectiveSearchOptions

# OpenCV ranks its boxes with rand() of the C library, which has one state for the whole process.
_RANKING = threading.Lock()


def opencv_selective_search(
    image: NDArray[np.uint8], *, limit: int, seed: int, options: OpenCVSelectiveSearchOptions
) -> Proposals:
    """Propose regions of ``image``, uint8 RGB (H, W, 3).

    OpenCV's own ranking differs from call to call, so only its set of boxes is used: they are put in
    a fixed order and shuffled by ``seed``. The score of the i-th of n is 1 - i / n.
    """
    search = ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(image[..., ::-1]))
    if options.mode == "fast":
        search.switchToSelectiveSearchFast()
    elif options.mode == "quality":
        search.switchToSelectiveSearchQuality()
    else:
        search.switchToSingleStrategy()
    with _RANKING:
        found = np.asarray(search.process(), np.float32).reshape(-1, 4)
    found[:, 2:] += found[:, :2]
    boxes = np.unique(found, axis=0)
    boxes = boxes[np.random.default_rng(seed).permutation(len(boxes))]
    scores = (1.0 - np.arange(len(boxes)) / max(len(boxes), 1)).astype(np.float32)
    return Proposals(boxes[:limit], scores[:limit])
