"""Similarity of a layer to the one before."""

from __future__ import annotations

import math
from typing import Any

from netlab.kinds.metric import MetricResult, Space


def linear_cka(space: Space, *, options: Any) -> MetricResult:
    """Linear centred kernel alignment with the layer before, on the same points.

    Formula: ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), Frobenius norms, X and Y the features with their means removed.
    Range: 0 to 1; 1 for features equal up to rotation and scale. The first layer has no value.
    Ties: do not matter.
    Source: Kornblith et al., Similarity of neural network representations revisited, ICML 2019.
    """
    if space.previous is None:
        return MetricResult(math.nan, notes=("there is no layer before to compare with", *space.notes))
    before, both, here = space.previous.kernel.alignment(space.kernel)
    if before <= 0 or here <= 0:
        return MetricResult(math.nan, notes=("a layer that is constant has no alignment", *space.notes))
    return MetricResult(min(1.0, max(0.0, both / math.sqrt(before * here))), notes=space.notes)
