"""Losses: what training makes small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """A loss component."""

    def __call__(self, outputs: Tensor, targets: Tensor, *, options: Any) -> Tensor:
        """The mean loss over the images of a batch, a scalar that can be differentiated.

        ``outputs`` float32 (N, K) are logits. ``targets`` float32 (N, K) are class probabilities: rows of
        one 1, unless an augmentation mixed images.

        Raises:
            ValueError: with one clear line, when the options do not fit the number of classes.
        """
        ...
