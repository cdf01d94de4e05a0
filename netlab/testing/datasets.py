"""Checks of datasets. Contract: ``netlab.kinds.dataset``.

A data set that is downloaded is looked for in the folder ``NETLAB_TEST_DATA_DIR`` (an environment
variable, as ``--data-dir``); where it is not, the checks that need the data are skipped.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import torch

from netlab.data.photographs import decode
from netlab.errors import UsageError, first_line
from netlab.kinds.dataset import AUGMENTATIONS, ImageData, ImageFiles, LabelledImages
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect


class NetworkUsedError(Exception):
    """Something wanted to go online."""


@contextmanager
def without_network() -> Iterator[None]:
    """Every attempt to reach another machine raises ``NetworkUsedError``."""

    def refuse(*arguments: Any, **keywords: Any) -> NoReturn:
        raise NetworkUsedError

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
    ):
        yield


def load(subject: Subject) -> ImageData:
    """The data set, without going online.

    Raises:
        NotApplicable: it is not on this machine.
    """
    with tempfile.TemporaryDirectory() as folder, without_network():
        root = Path(os.environ.get("NETLAB_TEST_DATA_DIR") or folder)
        try:
            data = subject.build(root=root, offline=True)
        except UsageError as error:
            raise NotApplicable(f"its data is not here: {first_line(error)}") from None
        except NotApplicable:
            raise
        except Exception as error:
            raise NotApplicable(
                f"it can not be loaded (see the check 'offline'): {first_line(error)}"
            ) from None
    if isinstance(data, ImageFiles):
        data = decode(data)
    expect(isinstance(data, ImageData), f"it gave {type(data).__name__}, neither ImageData nor ImageFiles")
    assert isinstance(data, ImageData)
    return data


def parts(data: ImageData) -> dict[str, LabelledImages]:
    """train, test and, if there is one, val."""
    found = {"train": data.train, "test": data.test}
    return found if data.val is None else found | {"val": data.val}


def offline(subject: Subject) -> None:
    """With ``offline`` and an empty folder it loads or raises FileNotFoundError, and never goes online."""
    with tempfile.TemporaryDirectory() as folder, without_network():
        try:
            subject.build(root=Path(folder), offline=True)
        except UsageError:
            return
        except NotApplicable:
            raise
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, NetworkUsedError):
                cause = cause.__cause__ or cause.__context__
            if cause is not None:
                raise ConformanceError("it went online though offline=True") from error
            raise ConformanceError(
                f"offline, without its data: expected FileNotFoundError, not {first_line(error)}"
            ) from error


def images(subject: Subject) -> None:
    """Images are uint8 (N, C, H, W), C 1 or 3, of one shape in every part, and at least one."""
    data = load(subject)
    for name, part in parts(data).items():
        expect(
            isinstance(part.images, torch.Tensor),
            f"{name} images are {type(part.images).__name__}, not a Tensor",
        )
        expect(part.images.dtype == torch.uint8, f"{name} images are {part.images.dtype}, expected uint8")
        shape = tuple(part.images.shape)
        expect(
            len(shape) == 4 and shape[1] in (1, 3), f"{name} images are {shape}, expected (N, 1 or 3, H, W)"
        )
        expect(shape[0] > 0, f"{name} has no images")
        expected = tuple(data.train.images.shape[1:])
        expect(shape[1:] == expected, f"{name} images are {shape[1:]}, those of train {expected}")


def labels(subject: Subject) -> None:
    """Labels are int64 (N,), one an image, in [0, classes)."""
    data = load(subject)
    classes = len(data.class_names)
    for name, part in parts(data).items():
        expect(part.labels.dtype == torch.int64, f"{name} labels are {part.labels.dtype}, expected int64")
        shape, images = tuple(part.labels.shape), len(part.images)
        expect(shape == (images,), f"{name} labels are {shape} for {images} images")
        low, high = int(part.labels.min()), int(part.labels.max())
        expect(low >= 0, f"{name} has the label {low}; labels start at 0")
        expect(high < classes, f"{name} has the label {high}, but there are {classes} class names")


def class_names(subject: Subject) -> None:
    """Class names are distinct, non-empty texts, in a tuple."""
    names = load(subject).class_names
    expect(isinstance(names, tuple), f"class_names is a {type(names).__name__}, expected a tuple")
    expect(all(isinstance(name, str) and name for name in names), f"class_names are not all texts: {names}")
    expect(len(set(names)) == len(names), f"class_names repeat: {names}")


def augmentations(subject: Subject) -> None:
    """Augmentations are a frozenset of known names."""
    given = load(subject).augmentations
    expect(isinstance(given, frozenset), f"augmentations is a {type(given).__name__}, expected a frozenset")
    unknown = sorted(given - set(AUGMENTATIONS))
    expect(not unknown, f"unknown augmentations: {', '.join(unknown)}. Known: {', '.join(AUGMENTATIONS)}")


def repeatable(subject: Subject) -> None:
    """Loaded twice, it is the same."""
    first, second = parts(load(subject)), parts(load(subject))
    for name in first:
        same = torch.equal(first[name].images, second[name].images) and torch.equal(
            first[name].labels, second[name].labels
        )
        expect(same, f"loaded twice, {name} differs")


CHECKS = (offline, images, labels, class_names, augmentations, repeatable)
