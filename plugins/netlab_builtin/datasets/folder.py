"""A folder of images, one folder a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from netlab.kinds.dataset import ImageData, LabelledImages
from netlab_builtin.datasets.options import FolderOptions

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"})


def folder(*, root: Path, offline: bool, options: FolderOptions) -> ImageData:
    """Images in ``train/CLASS/``, ``test/CLASS/`` and, if it is there, ``val/CLASS/``.

    Every image is read as RGB (or grey), turned as its EXIF orientation says and resized to ``size``
    x ``size``. Classes are the folders of ``train``, sorted by name.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: a class has no images, a part has a class that ``train`` has not, or a file is
            damaged; the message names it.
    """
    top = options.path
    names = tuple(sorted(path.name for path in subfolders(top / "train")))
    if not names:
        raise ValueError(f"{top / 'train'} has no folders: one a class is expected")
    parts = {
        part: read_part(top / part, names, options)
        for part in ("train", "test", "val")
        if part != "val" or (top / part).is_dir()
    }
    return ImageData(
        train=parts["train"],
        test=parts["test"],
        val=parts.get("val"),
        class_names=names,
        augmentations=frozenset(options.augmentations),
    )


def subfolders(path: Path) -> Iterator[Path]:
    """The folders in ``path`` that are not hidden."""
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path} (--data.path)")
    return (entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def read_part(path: Path, names: tuple[str, ...], options: FolderOptions) -> LabelledImages:
    """The images of one part, class after class, files by name."""
    unknown = sorted({entry.name for entry in subfolders(path)} - set(names))
    if unknown:
        raise ValueError(f"{path} has a class '{unknown[0]}' that train/ has not")
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        files = sorted(f for f in (path / name).glob("*") if is_image(f))
        if not files:
            raise ValueError(f"{path / name} has no images ({', '.join(sorted(SUFFIXES))})")
        images += [read_image(file, options) for file in files]
        labels += [label] * len(files)
    stacked = torch.from_numpy(np.stack(images))
    return LabelledImages(stacked.permute(0, 3, 1, 2).contiguous(), torch.tensor(labels))


def is_image(file: Path) -> bool:
    """Whether the name is one of an image; hidden files (``._cat.png``) are not."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def read_image(file: Path, options: FolderOptions) -> NDArray[np.uint8]:
    """One image as uint8 (size, size, 1 or 3), RGB."""
    data = np.frombuffer(file.read_bytes(), np.uint8)
    flags = cv2.IMREAD_GRAYSCALE if options.grey else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(data, flags) if len(data) else None
    except cv2.error as error:
        raise ValueError(f"{file} can not be read: {error.err}") from error
    if image is None:
        raise ValueError(f"{file} is damaged or not an image")
    size = (options.size, options.size)
    shrinks = min(image.shape[:2]) > options.size
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if options.grey:
        return np.asarray(resized[:, :, None], np.uint8)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)
