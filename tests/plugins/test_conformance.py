"""netlab's own parts keep the contracts that it asks of others: every check, on every part.

The few images that the data sets read are written here; CIFAR's are in the form of its archives.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from torchvision import datasets

from netlab.testing import parametrize_checks

# Where a check has nothing to say about a part; any other skip would be a gap in what is checked.
SAYS_NOTHING = (
    "it has no labels", "it is not tagged", "it is tagged 'pretrained'", "it is tagged 'regions'", "it is not tagged 'regions'", "it is geometric", "it is not geometric", "it is given maps",
    "what it mixes", "it mixes images", "it states no direction", "it does not look at labels alone",
    "it works on the size that it was built for", "it can not be followed without values",
    "it is no power of the features' scale", "backbone 'torchvision' takes images in colour",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A few images for each data set that does not come with a library."""
    folder = tmp_path_factory.mktemp("data")
    noise = np.random.default_rng(0)
    images = noise.integers(0, 256, (18, 3, 8, 8), np.uint8)
    labels = np.arange(18) % 3
    np.savez(folder / "few.npz", train_images=images[:12], train_labels=labels[:12],
             test_images=images[12:], test_labels=labels[12:])  # fmt: skip
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (folder / "few" / place).mkdir(parents=True)
        cv2.imwrite(str(folder / "few" / place / "one.png"), noise.integers(0, 256, (9, 7, 3), np.uint8))
    write_cifar(datasets.CIFAR10, "labels", 10, folder)
    write_cifar(datasets.CIFAR100, "fine_labels", 100, folder)
    with pytest.MonkeyPatch.context() as patch:
        # The checksums are those of the real archives.
        patch.setattr("torchvision.datasets.cifar.check_integrity", lambda *arguments: True)
        patch.setenv("NETLAB_TEST_DATA_DIR", str(folder))
        yield


def write_cifar(source: type[datasets.CIFAR10], key: str, classes: int, folder: Path) -> None:
    """The files of the archive, with an image a class each."""
    noise = np.random.default_rng(classes)
    names = {source.meta["key"]: [f"class {number}" for number in range(classes)]}
    place = folder / source.base_folder
    place.mkdir()
    for name, _ in (*source.train_list, *source.test_list):
        batch = {"data": noise.integers(0, 256, (classes, 3072), np.uint8), key: list(range(classes))}
        (place / name).write_bytes(pickle.dumps(batch))
    (place / source.meta["filename"]).write_bytes(pickle.dumps(names))


def at(name: str) -> Callable[[], Mapping[str, Any]]:
    """The options of a data set that is read from a path; the folder is known when the test runs."""
    return lambda: {"path": Path(os.environ["NETLAB_TEST_DATA_DIR"]) / name}


@parametrize_checks(distribution="netlab-vision", options={"npz": at("few.npz"), "folder": at("few")})
def test_a_built_in_part_keeps_its_contract(check: Callable[[], None]) -> None:
    try:
        check()
    except pytest.skip.Exception as skipped:
        if not str(skipped).startswith(SAYS_NOTHING):
            pytest.fail(f"skipped: {skipped}")
        raise
