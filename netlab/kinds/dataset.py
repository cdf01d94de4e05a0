"""Datasets: labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

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


Resampling = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an image of any size becomes one of ``height`` x ``width`` pixels.

    With ``shorter`` its shorter side is resized to so many pixels and the middle is cut out, as pretrained
    weights expect it; with 0 it is stretched.
    """

    height: int
    width: int
    shorter: int = 0
    resampling: Resampling = "bilinear"


@dataclass(frozen=True, slots=True)
class ImageData:
    """A data set in memory.

    ``val`` is None when the data set has no validation part of its own; netlab then splits one
    from ``train``. ``augmentations`` names those of ``AUGMENTATIONS`` that keep the labels. ``groups`` int64
    (N,) are training images that must stay together when they are split: copies of one image have one number.
    ``test_groups`` are such numbers of the test images, where netlab has sampled them and may sample others.
    ``geometry`` says how the images were made of larger ones. ``notes`` are sentences for the user,
    ``problems`` such that say what was left out.
    """

    train: LabelledImages
    test: LabelledImages
    class_names: tuple[str, ...]
    augmentations: frozenset[str]
    val: LabelledImages | None = None
    groups: Tensor | None = None
    test_groups: Tensor | None = None
    geometry: Geometry | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """Image files and the label of each, in [0, classes)."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """A data set as files, which netlab decodes: once, in any format, each image to ``geometry``.

    Of a data set without a test part netlab takes one out of ``train``: ``test_share`` of each class, drawn
    by ``test_seed`` and the files' contents, so that copies of an image stay on one side. ``grey`` says that
    one channel is enough. A file that can not be read is left out, and named.
    """

    train: LabelledFiles
    class_names: tuple[str, ...]
    augmentations: frozenset[str]
    geometry: Geometry
    test: LabelledFiles | None = None
    val: LabelledFiles | None = None
    grey: bool = False
    test_share: float = 0.2
    test_seed: int = 0
    problems: tuple[str, ...] = ()


class Dataset(Protocol):
    """A dataset component."""

    def __call__(self, *, root: Path, offline: bool, options: Any) -> ImageData | ImageFiles:
        """Load the data set, or say in which files it is.

        ``root`` is the user's ``--data-dir``, where downloads go; with ``offline`` nothing is
        downloaded. Options called ``size``, ``shorter`` and ``resampling`` are those of ``Geometry``: where
        the user gives none, netlab gives them the values that pretrained weights expect.

        Raises:
            FileNotFoundError: the data is not there (and may not or could not be downloaded).
            ValueError: a file is damaged or its arrays do not fit together; the message names it.
        """
        ...
