"""A data set so small that a run takes a fraction of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def write_small_data(path: Path, *, seed: int = 0) -> Path:
    """40 training and 20 test images of 24x24 in two classes: bright on the left, bright on the right."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", 40), ("test", 20)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 24, 24), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 12 * label : 12 * (label + 1)] += 100
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_data(tmp_path_factory.mktemp("data") / "small.npz")
