"""Load a data set and check what a plugin gave."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from netlab.data.photographs import decode
from netlab.engine.catalog import Component
from netlab.errors import UsageError
from netlab.kinds.dataset import AUGMENTATIONS, ImageData, ImageFiles, LabelledImages

SHOWN_NAMES = 5  # of empty classes, in an error


def load_data(dataset: Component, options: Any, *, root: Path, offline: bool) -> ImageData:
    """The data set, decoded and checked: dtypes, shapes, labels in range, no class empty in training.

    Raises:
        UsageError: the data is missing, damaged, or a class has no training image.
        PluginError: the plugin broke its contract.
    """
    data = dataset.build(root=root, offline=offline, options=options)
    if isinstance(data, ImageFiles):
        data = decode(data)
    if not isinstance(data, ImageData):
        raise dataset.broke(f"it gave {type(data).__name__}, neither ImageData nor ImageFiles")
    classes = len(data.class_names)
    if classes < 2:
        raise UsageError(f"{dataset.title} has a single class: there is nothing to tell apart")
    for part, images in parts_of(data).items():
        problem = part_problem(images, classes)
        if problem:
            raise dataset.broke(f"{part} {problem}")
    counts = torch.bincount(data.train.labels, minlength=classes)
    if int(counts.min()) == 0:
        names = [repr(n) for n, count in zip(data.class_names, counts, strict=True) if not count]
        empty = ", ".join(names[:SHOWN_NAMES]) + (
            f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        )
        raise UsageError(f"{dataset.title}: no training image has the class {empty}")
    if unknown := data.augmentations - set(AUGMENTATIONS):
        raise dataset.broke(f"it names unknown augmentations: {', '.join(sorted(unknown))}")
    return data


def parts_of(data: ImageData) -> dict[str, LabelledImages]:
    """The parts that are there, by name."""
    parts = {"train": data.train, "test": data.test}
    return parts if data.val is None else parts | {"val": data.val}


def part_problem(part: LabelledImages, classes: int) -> str:
    """What is wrong with a part, or an empty text."""
    images, labels = part.images, part.labels
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        return f"images are {images.dtype} {tuple(images.shape)}, expected uint8 (N, 1 or 3, H, W)"
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        return f"labels are {labels.dtype} {tuple(labels.shape)}, expected int64 ({len(images)},)"
    if len(labels) == 0:
        return "is empty"
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        return f"labels go from {int(labels.min())} to {int(labels.max())}, expected 0 to {classes - 1}"
    return ""


def data_digest(data: ImageData) -> str:
    """SHA-256 over the images and labels of every part, as hexadecimal text."""
    digest = hashlib.sha256()
    for name, part in sorted(parts_of(data).items()):
        digest.update(f"{name} {tuple(part.images.shape)}".encode())
        digest.update(part.images.contiguous().numpy().data)
        digest.update(part.labels.contiguous().numpy().data)
    return digest.hexdigest()
