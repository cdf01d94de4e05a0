"""Cutting labelled regions out of images, for those who train on crops elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB
from netlab.detection.data.readable import read_each
from netlab.detection.data.voc import DetectionData
from netlab.detection.model.detector import ProposalSource
from netlab.detection.output.draw import write_png
from netlab.detection.proposals.labels import BACKGROUND, IGNORED, LabelRule
from netlab.detection.training.regions import label_image
from netlab.errors import UsageError
from netlab.training.reporter import Reporter


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
        write_png(folder / kind / f"{name}_{number:04d}.png", image[y1:y2, x1:x2])
        counts[kind] = number + 1
    return counts


def crop_data_set(
    data: DetectionData,
    source: ProposalSource,
    out: Path,
    *,
    most_background: int,
    seed: int,
    reporter: Reporter,
) -> Iterator[tuple[Path, Counter[str]]]:
    """Cut true boxes and proposals out of every image: those that overlap a true box by .5 are its class,
    those by .1 to .5 background.

    Training and validation images go to separate folders of ``out``: each is given with the number of
    crops by class when it is done.

    Raises:
        UsageError: ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder")
    for split, images in (("train", data.train), ("val", data.val)):
        counts: Counter[str] = Counter()
        reporter.phase(split, len(images))
        for image, pixels in read_each(images, reporter):
            labelled = label_image(
                source(pixels).boxes, image.boxes, image.labels(data.class_names), image.difficult,
                image.size, rule=LabelRule(), regression_iou=0.5, jitter=0, rng=np.random.default_rng(seed),
            )  # fmt: skip
            counts.update(
                save_crops(
                    pixels, image.name, labelled.regions, labelled.labels, data.class_names, out / split,
                    most_background=most_background,
                )
            )  # fmt: skip
        yield out / split, counts
