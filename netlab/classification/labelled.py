"""Labelled images from wherever a user has them, in the classes of a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netlab.data.given_images import given_images
from netlab.data.image_files import RGB, SUFFIXES
from netlab.errors import NetlabError, UsageError, closest
from netlab.kinds.dataset import LabelledImages

Labelled = Iterator[tuple[int, RGB]]  # the place of the true class among the class names, and pixels


def images_of_folder(folder: Path, class_names: Sequence[str]) -> Labelled:
    """The images of a folder with a subfolder a class, which bears the class's name.

    Raises:
        UsageError: there is no such folder, it has no such subfolders, or one is of no class.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir() and has_images(path))
    if not subfolders:
        raise UsageError(f"{folder} needs a subfolder with images for each class: {', '.join(class_names)}")
    labels = [place_of(path.name, class_names, f"the folder {path}") for path in subfolders]
    return (
        (label, pixels)
        for label, path in zip(labels, subfolders, strict=True)
        for _, pixels in given_images(path)
    )


def has_images(folder: Path) -> bool:
    """Whether there is a file in it that looks like an image."""
    return any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())


def images_with_labels(images: Any, labels: Any, class_names: Sequence[str]) -> Labelled:
    """Images of any kind that ``given_images`` takes, with a label each: a class's name or its place.

    Raises:
        UsageError: there are not as many labels as images, or one is no class.
    """
    if isinstance(images, LabelledImages):
        images, labels = images.images, images.labels
    if labels is None:
        raise UsageError("the images have no labels: give labels=, a folder of folders or a data set's name")
    places = [place_of(label, class_names, "labels") for label in np.asarray(labels).reshape(-1).tolist()]
    count = 0
    for count, (_, pixels) in enumerate(given_images(images), start=1):
        if count > len(places):
            break
        yield places[count - 1], pixels
    if count != len(places):
        raise UsageError(f"there are {len(places)} labels but not as many images")


def images_of_other_data(part: LabelledImages, names: Sequence[str], class_names: Sequence[str]) -> Labelled:
    """The images of a data set whose classes are called ``names``.

    Raises:
        UsageError: one of its classes is none of the network's.
    """
    places = [place_of(name, class_names, "the data set") for name in names]
    for (_, pixels), label in zip(given_images(part.images), part.labels.tolist(), strict=True):
        yield places[label], pixels


def place_of(label: Any, class_names: Sequence[str], where: str) -> int:
    """The place of a class that is given by its name or its place."""
    if isinstance(label, int) and not isinstance(label, bool):
        if 0 <= label < len(class_names):
            return label
        raise UsageError(f"{where}: label {label} is out of range, there are {len(class_names)} classes")
    if label in class_names:
        return class_names.index(label)
    raise UsageError(
        f"{where}: the network knows no class {label!r}.{closest(str(label), class_names)}"
        f" It knows {', '.join(class_names[:10])}{', ...' if len(class_names) > 10 else ''}."
    )


def counted(labelled: Labelled, classify: Any, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The confusion matrix int64 (K, K), rows true, of the likeliest classes.

    ``classify`` gives (key, probabilities) for (key, pixels), as ``Classifier.classify`` does.

    Raises:
        NetlabError: there is no image.
    """
    confusion = np.zeros((classes, classes), np.int64)
    for label, probabilities in classify(labelled):
        confusion[label, int(probabilities.argmax())] += 1
    if not confusion.any():
        raise NetlabError("there is no image to evaluate on")
    return confusion
