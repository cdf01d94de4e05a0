"""Cutting labelled regions out of images, for those who train on crops elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB
from netlab.detection.data.readable import read_each
from netlab.detection.data.voc import read_voc
from netlab.detection.model.detector import proposal_source
from netlab.detection.output.draw import write_png
from netlab.detection.proposals.labels import BACKGROUND, IGNORED, LabelRule
from netlab.detection.training.regions import label_image
from netlab.engine.catalog import Part
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


@dataclass(frozen=True, slots=True)
class CropRule:
    """What is cut out: of which classes, and of which proposals.

    ``limit`` is the most proposals of an image, ``long_side`` the longer side in pixels of the image that is
    proposed for, ``most_background`` the most background crops of an image.
    """

    classes: Sequence[str] = ()
    one_based: bool = False
    most_background: int = 50
    limit: int = 2000
    long_side: int = 400
    seed: int = 0


def crop_folder(
    annotated: Path, proposer: Part, rule: CropRule, out: Path, *, cache: Path | None, reporter: Reporter
) -> Iterator[tuple[Path, Counter[str]]]:
    """Cut true boxes and proposals out of every image of the data set in ``annotated``: those that overlap
    a true box by .5 are its class, those by .1 to .5 background.

    Training and validation images go to separate folders of ``out``: each is given with the number of
    crops by class when it is done. What is wrong with the data set is warned of.

    Raises:
        UsageError: there is no such data set, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder")
    data = read_voc(annotated, classes=rule.classes, one_based=rule.one_based, seed=rule.seed)
    for line in data.problems.lines():
        reporter.warn(line)
    source = proposal_source(
        proposer.component, proposer.options, limit=rule.limit, long_side=rule.long_side, min_side=10.0,
        seed=rule.seed, cache=cache,
    )  # fmt: skip
    for split, images in (("train", data.train), ("val", data.val)):
        counts: Counter[str] = Counter()
        reporter.phase(split, len(images))
        for image, pixels in read_each(images, reporter):
            labelled = label_image(
                source(pixels).boxes, image.boxes, image.labels(data.class_names), image.difficult,
                image.size, rule=LabelRule(), regression_iou=0.5, jitter=0,
                rng=np.random.default_rng(rule.seed),
            )  # fmt: skip
            counts.update(
                save_crops(
                    pixels, image.name, labelled.regions, labelled.labels, data.class_names, out / split,
                    most_background=rule.most_background,
                )
            )  # fmt: skip
        yield out / split, counts
