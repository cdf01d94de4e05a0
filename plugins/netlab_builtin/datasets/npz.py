"""Arrays in a NumPy .npz file."""

from __future__ import annotations

import itertools
import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from netlab.kinds.dataset import ImageData, LabelledImages
from netlab_builtin.datasets.options import NpzOptions

Arrays = dict[str, NDArray[np.generic]]


def npz(*, root: Path, offline: bool, options: NpzOptions) -> ImageData:
    """Images and labels from arrays ``train_images``, ``train_labels``, ``test_images``, ``test_labels``.

    Images uint8, (N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, 1 or 3, H, W). Labels integer, (N,) or
    (N, 1), from 0. ``val_images`` and ``val_labels`` are the validation part if they are there,
    ``class_names`` the names. Nothing is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or an array is missing or does not fit; the message names it.
    """
    path = options.path
    arrays = read_arrays(path, most_bytes=int(options.most_gib * 2**30))
    parts = {
        part: read_part(arrays, part, path) for part in ("train", "test", "val") if has_part(arrays, part)
    }
    for part in ("train", "test"):
        if part not in parts:
            raise ValueError(f"{path} has no arrays '{part}_images' and '{part}_labels'")
    shapes = {part: tuple(images.images.shape[1:]) for part, images in parts.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the images of {path} differ in shape: {shapes}")
    classes = 1 + max(int(images.labels.max()) for images in parts.values())
    if classes > sum(len(images) for images in parts.values()):
        raise ValueError(
            f"{path} has the label {classes - 1}, more than it has images; labels are 0, 1, 2, ..."
        )
    return ImageData(
        train=parts["train"],
        test=parts["test"],
        val=parts.get("val"),
        class_names=class_names(arrays, classes, path),
        augmentations=frozenset(options.augmentations),
    )


def read_arrays(path: Path, *, most_bytes: int) -> Arrays:
    """Every array of the file, with one clear error for whatever may be wrong with it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no .npz file, or its arrays would take over ``most_bytes``.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, NpzFile) or archive.zip is None:
                raise ValueError("it is not an .npz file")
            total = sum(map(declared_bytes, archive.zip.infolist(), itertools.repeat(archive.zip)))
            if total > most_bytes:
                raise ValueError(
                    f"its arrays would take {total / 2**30:.3g} GiB, and --data.most-gib allows"
                    f" {most_bytes / 2**30:.3g}"
                )
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path} (--data.path)") from None
    except Exception as error:  # zip, deflate and NumPy's header each have errors of their own
        raise ValueError(f"{path} can not be read: {' '.join(str(error).split())[:200]}") from error


def declared_bytes(member: zipfile.ZipInfo, archive: zipfile.ZipFile) -> int:
    """What an array takes in memory, by its header: NumPy asks for as much before it reads any of it.

    Raises:
        ValueError: the header declares another size than the archive has for it, or Python objects.
    """
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects, which are never unpickled")
        declared = math.prod(shape) * dtype.itemsize
        if declared != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is cut short, or its header is wrong")
    return declared


def has_part(arrays: Arrays, part: str) -> bool:
    """Whether the file has images of this part.

    Raises:
        ValueError: it has only one of images and labels.
    """
    images, labels = f"{part}_images" in arrays, f"{part}_labels" in arrays
    if images != labels:
        missing = f"{part}_labels" if images else f"{part}_images"
        raise ValueError(f"array '{missing}' is missing")
    return images


def read_part(arrays: Arrays, part: str, path: Path) -> LabelledImages:
    """Images as uint8 NCHW and labels as int64 (N,)."""
    images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    if images.dtype != np.uint8:
        raise ValueError(f"'{part}_images' of {path} is {images.dtype}, expected uint8")
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[-1] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    elif images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"'{part}_images' of {path} has shape {images.shape}, expected (N, H, W), (N, H, W, 1 or 3)"
            " or (N, 1 or 3, H, W)"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"'{part}_labels' of {path} is {labels.dtype} {labels.shape}, expected integers (N,) or (N, 1)"
        )
    if len(images) != len(labels):
        raise ValueError(f"{path} has {len(images)} '{part}_images' but {len(labels)} '{part}_labels'")
    if len(labels) == 0:
        raise ValueError(f"'{part}_images' of {path} is empty")
    if labels.min() < 0:
        raise ValueError(f"'{part}_labels' of {path} has the label {labels.min()}; labels start at 0")
    return LabelledImages(
        torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels.astype(np.int64))
    )


def class_names(arrays: Arrays, classes: int, path: Path) -> tuple[str, ...]:
    """The names in the file, or ``0``, ``1``, ..."""
    if "class_names" not in arrays:
        return tuple(str(label) for label in range(classes))
    names = tuple(str(name) for name in np.atleast_1d(arrays["class_names"]))
    if len(names) < classes:
        raise ValueError(f"{path} has {len(names)} class_names, but labels up to {classes - 1}")
    return names
