"""Weights of classes, as a tensor."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def weight_tensor(weights: Sequence[float], outputs: Tensor) -> Tensor | None:
    """The weights float32 (K,) for outputs (N, K); None where none were given.

    Raises:
        ValueError: not one a class, or a negative one.
    """
    if not weights:
        return None
    classes = outputs.shape[1]
    if len(weights) != classes:
        raise ValueError(f"class_weights has {len(weights)} values for {classes} classes: give one a class")
    if min(weights) < 0:
        raise ValueError(f"class_weights has {min(weights):g}: expected 0 or more")
    return outputs.new_tensor(list(weights))
