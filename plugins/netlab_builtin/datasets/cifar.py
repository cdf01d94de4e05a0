"""CIFAR-10 and CIFAR-100, from torchvision's files."""

from __future__ import annotations

from pathlib import Path

import torch
from torchvision import datasets

from netlab.kinds.dataset import ImageData, LabelledImages


def cifar10(*, root: Path, offline: bool, options: None) -> ImageData:
    """50,000 training and 10,000 test images, 3x32x32, 10 classes. See ``load``."""
    return load(datasets.CIFAR10, "cifar10", root, offline)


def cifar100(*, root: Path, offline: bool, options: None) -> ImageData:
    """50,000 training and 10,000 test images, 3x32x32, 100 classes. See ``load``."""
    return load(datasets.CIFAR100, "cifar100", root, offline)


def load(source: type[datasets.CIFAR10], name: str, root: Path, offline: bool) -> ImageData:
    """Read both parts; torchvision verifies the checksum of every file before it reads it.

    Raises:
        FileNotFoundError: the files are not in ``root`` (or damaged) and were not downloaded.
    """
    try:
        parts = [source(str(root), train=train, download=not offline) for train in (True, False)]
    except RuntimeError as error:  # torchvision's word for 'not found or corrupted'
        raise FileNotFoundError(
            f"its files are not in '{root}' or are damaged: {error}"
            " (without --offline they are downloaded; --data-dir says where they are)"
        ) from error
    except OSError as error:
        raise FileNotFoundError(
            f"the download to '{root}' failed: {error}; put torchvision's {name} files there yourself"
        ) from error
    train, test = (
        LabelledImages(
            torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets).long()
        )
        for part in parts
    )
    return ImageData(
        train=train,
        test=test,
        class_names=tuple(parts[0].classes),
        augmentations=frozenset({"horizontal-flip", "translation", "rotation"}),
    )
