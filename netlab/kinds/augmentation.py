"""Augmentations: what is done to training images so that a network sees more than there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of a step, after the augmentations before.

    ``images`` float32 (B, C, H, W) from 0 to 255, channels-last in memory, on the training device;
    ``targets`` float32 (B, K), class probabilities. ``places`` is where the images stand in the epoch: it
    picks their rows from what was drawn for all.
    """

    images: Tensor
    targets: Tensor
    places: slice


@dataclass(frozen=True, slots=True)
class IndexMap:
    """From which row and column each pixel comes: int64 ``rows`` (B, H) and ``columns`` (B, W).

    Pixel (i, j) of image b is pixel (rows[b, i], columns[b, j]) of the image in the data set.
    ``places`` as in ``Batch``.
    """

    rows: Tensor
    columns: Tensor
    places: slice


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of a training: what an augmentation tagged ``epoch`` is told, to go on from epoch to epoch.

    ``number`` counts from 1. ``images`` int64 (count,) says which image of the data set stands at each place
    of the epoch, numbers below ``count``: once each, unless classes are sampled evenly. ``seed`` is that of
    the whole training.
    """

    number: int
    images: Tensor
    seed: int


class Augmentation(Protocol):
    """An augmentation component, called once an epoch.

    What it draws is kept apart from what it does, so that of several processes each can do its share of
    a batch, and a resumed run draws what an undisturbed one would have drawn.
    """

    def __call__(
        self, count: int, generator: torch.Generator, *, options: Any
    ) -> Callable[[Batch], Batch] | Callable[[IndexMap], IndexMap]:
        """Draw for the ``count`` images of an epoch; give what is done to each batch.

        All random numbers come from ``generator`` (on the CPU), here. The result is a function from
        ``Batch`` to ``Batch`` of the same size; or, for a component tagged ``geometric``, from
        ``IndexMap`` to ``IndexMap``: netlab does a chain of those in one gather, on the uint8 images. Images
        do not depend on one another, unless the component is tagged ``mixing``: it mixes images and their
        targets within a batch.

        A component tagged ``epoch`` also takes ``epoch: Epoch``, so that an image can fare otherwise in the
        next epoch than in this one; what it draws is then a function of both.

        A component says by tags which change of the image it is, when that may change the label (a 6 upside
        down is a 9): ``horizontal-flip``, ``vertical-flip``, ``translation``, ``rotation``. A data set that
        does not allow it refuses the component.
        """
        ...
