"""Labelled image files, looked at before anything is trained on them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB, ImageError, read_image
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageFiles, LabelledFiles

NEAR = 2  # of 64 bits that may differ; two photographs of one thing differ in some 10
PLAIN = 8  # grey levels: an image that varies less has no gradients to tell it by
BLOCK = 1024  # rows of the matrix of distances at a time


@dataclass(frozen=True, slots=True)
class Inspection:
    """What there is: ``counts`` by part and class; ``sizes`` (width, height) of the smallest image by area,
    the middle one and the largest; ``copies`` are pairs of files with the same bytes, ``near`` such that look
    alike, ``other_class`` those of both that have different labels."""

    class_names: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    formats: dict[str, int]
    copies: list[tuple[str, str]]
    near: list[tuple[str, str]]
    other_class: list[tuple[str, str]]
    unread: list[str]
    problems: list[str]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Seen:
    """One image: its digest, its size, and its difference hash as 64 numbers 0 or 1 (None: it is plain)."""

    digest: str
    size: tuple[int, int]
    gradients: NDArray[np.uint8] | None


def files_of(catalog: Catalog, source: Path) -> ImageFiles:
    """The files of a folder or a list, as the data set tagged ``default-files`` finds them.

    Raises:
        UsageError: there is no such source, or it is none.
    """
    dataset = catalog.default("dataset", "default-files")
    files = dataset.build(root=Path(), offline=True, options=dataset.make_options({"path": str(source)}))
    if not isinstance(files, ImageFiles):
        raise dataset.broke(f"it gave {type(files).__name__}, not ImageFiles")
    return files


def parts_of_files(files: ImageFiles) -> dict[str, LabelledFiles]:
    """The parts that are there, by name."""
    parts = {"train": files.train, "val": files.val, "test": files.test}
    found = {name: part for name, part in parts.items() if part is not None}
    return {"images": files.train} if len(found) == 1 else found


def inspect(files: ImageFiles) -> Inspection:
    """Read every image once.

    Raises:
        UsageError: none can be read.
    """
    parts = parts_of_files(files)
    paths = [path for part in parts.values() for path in part.paths]
    labels = [label for part in parts.values() for label in part.labels]
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        found = list(pool.map(look_at, paths))
    unread = [item for item in found if isinstance(item, str)]
    kept = [(path, label, item) for path, label, item in zip(paths, labels, found, strict=True)
            if isinstance(item, Seen)]  # fmt: skip
    if not kept:
        raise UsageError(f"no image can be read: {unread[0]}")
    seen = [item for _, _, item in kept]
    pairs = {"copies": same_digest(seen), "near": alike(seen)}
    named = {
        key: [(str(kept[i][0]), str(kept[j][0])) for i, j in found_pairs]
        for key, found_pairs in pairs.items()
    }
    other = [
        (str(kept[i][0]), str(kept[j][0]))
        for i, j in (*pairs["copies"], *pairs["near"])
        if kept[i][1] != kept[j][1]
    ]
    by_area = sorted((item.size for item in seen), key=lambda size: size[0] * size[1])
    counts = {
        name: {
            files.class_names[label]: number
            for label, number in enumerate(
                np.bincount(part.labels, minlength=len(files.class_names)).tolist()
            )
        }
        for name, part in parts.items()
    }
    return Inspection(
        class_names=files.class_names,
        counts=counts,
        sizes=(by_area[0], by_area[len(by_area) // 2], by_area[-1]),
        formats=dict(Counter(path.suffix.lower().removeprefix(".") for path in paths).most_common()),
        copies=named["copies"],
        near=named["near"],
        other_class=other,
        unread=unread,
        problems=[*files.problems, *unequal(counts)],
    )


def look_at(path: Path) -> Seen | str:
    """What is to be known of an image, or why it can not be read."""
    try:
        pixels = read_image(path)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except ImageError as error:
        return str(error)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return Seen(digest, (pixels.shape[1], pixels.shape[0]), gradients_of(pixels))


def gradients_of(pixels: RGB) -> NDArray[np.uint8] | None:
    """Whether each of 8 x 8 cells is brighter than its left neighbour: the difference hash.

    Source: Krawetz, Kind of Like That, The Hacker Factor Blog, 2013.
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.int16)
    if int(grey.max()) - int(grey.min()) < PLAIN:
        return None
    cells = np.asarray(cv2.resize(grey.astype(np.uint8), (9, 8), interpolation=cv2.INTER_AREA), np.int16)
    return (cells[:, 1:] > cells[:, :-1]).astype(np.uint8).reshape(-1)


def same_digest(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """Pairs (first, other) of places with the same bytes."""
    first: dict[str, int] = {}
    pairs = []
    for place, item in enumerate(seen):
        known = first.setdefault(item.digest, place)
        if known != place:
            pairs.append((known, place))
    return pairs


def alike(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """Pairs (first, other) of places whose hashes differ in at most ``NEAR`` bits, and bytes do."""
    places = [place for place, item in enumerate(seen) if item.gradients is not None]
    if not places:
        return []
    bits = np.stack([item.gradients for item in seen if item.gradients is not None]).astype(np.float32)
    ones = bits.sum(axis=1)
    pairs = []
    for start in range(0, len(places), BLOCK):
        block = bits[start : start + BLOCK]
        distances = (
            ones[start : start + BLOCK, None] + ones - 2 * block @ bits.T
        )  # exact: small whole numbers
        for row, column in np.argwhere(distances <= NEAR).tolist():
            one, other = places[start + row], places[column]
            if one < other and seen[one].digest != seen[other].digest:
                pairs.append((one, other))
    return pairs


def unequal(counts: dict[str, dict[str, int]]) -> list[str]:
    """One line where classes are few or unequal."""
    first = next(iter(counts.values()))
    few = [f"{name} ({count})" for name, count in first.items() if count < 10]
    lines = [f"few images: {', '.join(few[:5])}{' and more' if len(few) > 5 else ''}"] if few else []
    least, most = min(first.values()), max(first.values())
    if most > 1.5 * least:
        lines.append(
            "classes are unequal: --class-weights balanced or --sampling balanced lets the rare ones count"
        )
    return lines
