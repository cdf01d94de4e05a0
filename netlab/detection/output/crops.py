"""Cutting labelled regions out of images, for those who train on crops elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB
from netlab.detection.output.formats import png, write_bytes
from netlab.detection.training.labels import BACKGROUND, IGNORED


def folder_name(class_name: str) -> str:
    """A class name as the name of one folder: whatever could lead elsewhere becomes ``_``."""
    return re.sub(r"[^\w .-]", "_", class_name).strip(" .") or "_"


def save_crops(
    image: RGB,
    name: str,
    regions: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    folder: Path,
    *,
    most_background: int,
) -> dict[str, int]:
    """Write every positive region and the first ``most_background`` background ones as PNG files.

    Files are ``CLASS/NAME_NUMBER.png``, background in ``background``; gives the number of each.
    """
    counts: dict[str, int] = {}
    for region, label in zip(regions, labels.tolist(), strict=True):
        if label == IGNORED:
            continue
        kind = "background" if label == BACKGROUND else folder_name(class_names[label - 1])
        number = counts.get(kind, 0)
        if label == BACKGROUND and number >= most_background:
            continue
        x1, y1 = np.floor(region[:2]).astype(int)
        x2, y2 = np.ceil(region[2:]).astype(int)
        target = folder / kind
        target.mkdir(parents=True, exist_ok=True)
        write_bytes(target / f"{name}_{number:04d}.png", png(image[y1:y2, x1:x2]))
        counts[kind] = number + 1
    return counts
