"""Datasets: labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

# What may be done to an image without changing its label.
AUGMENTATIONS = ("horizontal-flip", "vertical-flip", "translation", "rotation")


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images uint8 (N, C, H, W) with C 1 or 3 (RGB), labels int64 (N,) in [0, classes)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class ImageData:
    """A data set in memory.

    ``val`` is None when the data set has no validation part of its own; netlab then splits one
    from ``train``. ``augmentations`` names those of ``AUGMENTATIONS`` that keep the labels.
    """

    train: LabelledImages
    test: LabelledImages
    class_names: tuple[str, ...]
    augmentations: frozenset[str]
    val: LabelledImages | None = None


class Dataset(Protocol):
    """A dataset component."""

    def __call__(self, *, root: Path, offline: bool, options: Any) -> ImageData:
        """Load the data set.

        ``root`` is the user's ``--data-dir``, where downloads go; with ``offline`` nothing is
        downloaded.

        Raises:
            FileNotFoundError: the data is not there (and may not or could not be downloaded).
            ValueError: a file is damaged or its arrays do not fit together; the message names it.
        """
        ...
