"""Checks of datasets. Contract: ``netlab.kinds.dataset``.

A data set that is downloaded is looked for in the folder ``NETLAB_TEST_DATA_DIR`` (an environment
variable, as ``--data-dir``); where it is not, the checks that need the data are skipped.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import torch

from netlab.data.photographs import decode
from netlab.errors import UsageError, first_line
from netlab.kinds.dataset import AUGMENTATIONS, ImageData, ImageFiles, LabelledImages
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.exercised import exercised

COMMON = 0.01  # of the images of a part may be images of another too: real data sets hold a few twice
DARK = 32  # below which no pixel of a whole data set is: then it was not scaled to 0 to 255


class NetworkUsedError(Exception):
    """Something wanted to go online."""


@contextmanager
def without_network() -> Iterator[None]:
    """Every attempt to reach another machine raises ``NetworkUsedError``."""

    def refuse(*arguments: Any, **keywords: Any) -> NoReturn:
        raise NetworkUsedError

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "create_connection", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
    ):
        yield


def load(subject: Subject) -> ImageData:
    """The data, without going online; skipped where it is not on this machine."""
    folder = os.environ.get("NETLAB_TEST_DATA_DIR")
    with tempfile.TemporaryDirectory() as empty, without_network():
        try:
            data = subject.build(root=Path(folder or empty), offline=True)
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


def exercise(subject: Subject) -> None:
    """It loads, and its parts are what they should be."""
    data = load(subject)
    expect_images(data)
    expect_labels(data)


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


def own_folder(subject: Subject) -> None:
    """It writes nothing outside of ``root``: not where it is called from, not in the home folder."""
    with tempfile.TemporaryDirectory() as name:
        elsewhere, root, home = (Path(name) / part for part in ("elsewhere", "root", "home"))
        for path in (elsewhere, root, home):
            path.mkdir()
        with without_network(), chdir(elsewhere), mock.patch.dict(os.environ, {"HOME": str(home)}):
            try:
                subject.build(root=root, offline=True)
            except NotApplicable:
                raise
            except Exception:
                pass  # it may need data; what it wrote is looked at all the same
        written = [path.name for folder in (elsewhere, home) for path in folder.iterdir()]
    expect(not written, f"it wrote {', '.join(sorted(written))} outside of root")


def images(subject: Subject) -> None:
    """Images are uint8 (N, C, H, W), C 1 or 3, of one shape in every part, and at least one."""
    expect_images(load(subject))


def expect_images(data: ImageData) -> None:
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


def brightness(subject: Subject) -> None:
    """Pixels use the range from 0 to 255, not a small part of it."""
    for name, part in parts(load(subject)).items():
        top = int(part.images.max())
        expect(
            top >= DARK,
            f"no pixel of the {name} images is above {top}: were they scaled to 0 to 255 before they"
            " became uint8?",
        )


def labels(subject: Subject) -> None:
    """Labels are int64 (N,), one an image, in [0, classes); every class has an image to train on."""
    data = load(subject)
    expect_labels(data)
    counts = torch.bincount(data.train.labels, minlength=len(data.class_names))
    empty = [str(name) for name, count in zip(data.class_names, counts, strict=True) if not count]
    expect(not empty, f"no training image has the class {', '.join(empty[:5])}")


def expect_labels(data: ImageData) -> None:
    classes = len(data.class_names)
    expect(classes >= 2, f"there are {classes} classes, expected at least 2")
    for name, part in parts(data).items():
        expect(part.labels.dtype == torch.int64, f"{name} labels are {part.labels.dtype}, expected int64")
        shape, count = tuple(part.labels.shape), len(part.images)
        expect(shape == (count,), f"{name} labels are {shape} for {count} images")
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


def disjoint(subject: Subject) -> None:
    """No part shares more than 1 % of its images with another: what is tested was not learnt."""
    digests = {
        name: [hashlib.sha256(image.numpy().tobytes()).digest() for image in part.images.contiguous()]
        for name, part in parts(load(subject)).items()
    }
    learnt = set(digests.pop("train"))
    for name, found in digests.items():
        shared = sum(digest in learnt for digest in found)
        expect(
            shared <= COMMON * len(found),
            f"{shared} of {len(found)} {name} images are training images too: what it measures is memory",
        )
        learnt |= set(found)


def repeatable(subject: Subject) -> None:
    """Loaded twice, it is the same, whatever the seeds of random numbers are."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        random.seed(seed)
        found.append(parts(load(subject)))
    first, second = found
    for name in first:
        same = torch.equal(first[name].images, second[name].images) and torch.equal(
            first[name].labels, second[name].labels
        )
        expect(same, f"loaded twice, {name} differs")


CHECKS = (
    *exercised(exercise),
    offline,
    own_folder,
    images,
    brightness,
    labels,
    class_names,
    augmentations,
    disjoint,
    repeatable,
)
