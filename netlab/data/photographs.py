"""Image files, decoded once: what can not be read is named, and copies of an image are known as such."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from netlab.data.geometry import fit
from netlab.data.image_files import ImageError, read_image
from netlab.data.split import stratified_share
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, ImageFiles, LabelledFiles, LabelledImages

FEW_IMAGES = 10  # of a class: fewer are worth a word
SHOWN_FILES = 3  # of those that are left out


@dataclass(frozen=True, slots=True)
class Decoded:
    """The images of a part that could be read, their files, and a digest of each file's bytes."""

    images: LabelledImages
    paths: tuple[Path, ...]
    digests: tuple[str, ...]

    def at(self, indices: Tensor) -> Decoded:
        """Those at ``indices`` int64."""
        chosen = indices.tolist()
        images = LabelledImages(self.images.images[indices], self.images.labels[indices])
        return Decoded(images, tuple(self.paths[i] for i in chosen), tuple(self.digests[i] for i in chosen))


def decode(files: ImageFiles) -> ImageData:
    """The data set in memory, with a test part.

    Raises:
        UsageError: no image of a part or of a class can be read, or a class has too few images to split them.
    """
    given = {"train": files.train, "test": files.test, "val": files.val}
    unread: list[str] = []
    parts = {name: decoded(part, files, unread) for name, part in given.items() if part is not None}
    problems = [*files.problems, *left_out(unread)]
    is_sampled = "test" not in parts
    if is_sampled:
        parts["train"], parts["test"] = with_test_part(parts["train"], files)
    problems += copies_across(parts)
    groups = groups_of([*parts["train"].digests, *parts["test"].digests])
    trained_on = len(parts["train"].paths)
    return ImageData(
        train=parts["train"].images,
        test=parts["test"].images,
        val=parts["val"].images if "val" in parts else None,
        class_names=files.class_names,
        augmentations=files.augmentations,
        groups=groups[:trained_on],
        test_groups=groups[trained_on:] if is_sampled else None,
        geometry=files.geometry,
        notes=tuple(few_images(parts["train"], files.class_names)),
        problems=tuple(problems),
    )


def decoded(part: LabelledFiles, files: ImageFiles, unread: list[str]) -> Decoded:
    """The images of a part; what is wrong with those that can not be read is appended to ``unread``."""
    channels, geometry = (1 if files.grey else 3), files.geometry
    pixels = torch.empty(len(part), channels, geometry.height, geometry.width, dtype=torch.uint8)

    def read(place: int) -> str | ImageError:
        path = part.paths[place]
        try:
            pixels[place] = fit(read_image(path), geometry, channels=channels)
            return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        except (ImageError, OSError) as error:
            return error if isinstance(error, ImageError) else ImageError(f"{path}: {error.strerror}")

    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        found = list(pool.map(read, range(len(part))))
    kept = [place for place, digest in enumerate(found) if isinstance(digest, str)]
    unread += [str(error) for error in found if not isinstance(error, str)]
    labels = torch.tensor(part.labels, dtype=torch.int64)
    if len(kept) < len(part):
        pixels = pixels[kept]
        labels = labels[kept]
    return Decoded(
        LabelledImages(pixels, labels),
        tuple(part.paths[place] for place in kept),
        tuple(str(found[place]) for place in kept),
    )


def left_out(unread: Sequence[str]) -> list[str]:
    """One line about the files that can not be read."""
    if not unread:
        return []
    more = f"; and {len(unread) - SHOWN_FILES} more" if len(unread) > SHOWN_FILES else ""
    files = "1 image is" if len(unread) == 1 else f"{len(unread)} images are"
    return [f"{files} left out: {'; '.join(unread[:SHOWN_FILES])}{more}"]


def with_test_part(whole: Decoded, files: ImageFiles) -> tuple[Decoded, Decoded]:
    """Training and test images: a share of each class, copies of an image on one side.

    The order of a class's images is that of their digests, so that neither names nor their order matter.

    Raises:
        UsageError: a class has fewer than three different images.
    """
    labels = whole.images.labels
    for label, name in enumerate(files.class_names):
        digests = {whole.digests[i] for i in torch.nonzero(labels == label).flatten().tolist()}
        if len(digests) < 3:
            found = "no image" if not digests else "1 image" if len(digests) == 1 else "2 images"
            raise UsageError(
                f"class '{name}' has {found} that can be read: three different ones are needed, to train, to"
                " validate and to test"
            )
    order = torch.tensor(sorted(range(len(labels)), key=lambda i: whole.digests[i]))
    groups = groups_of([whole.digests[i] for i in order.tolist()])
    drawn = order[stratified_share(labels[order], files.test_share, seed=files.test_seed, groups=groups)]
    is_test = torch.zeros(len(labels), dtype=torch.bool)
    is_test[drawn] = True
    return whole.at(torch.nonzero(~is_test).flatten()), whole.at(torch.nonzero(is_test).flatten())


def groups_of(digests: Sequence[str]) -> Tensor:
    """The number of the first file with the same content, int64 (N,)."""
    first: dict[str, int] = {}
    return torch.tensor([first.setdefault(digest, place) for place, digest in enumerate(digests)])


def copies_across(parts: dict[str, Decoded]) -> list[str]:
    """One line about images that stand in the training part and in another."""
    in_train = dict(zip(parts["train"].digests, parts["train"].paths, strict=True))
    found = [
        (in_train[digest], path)
        for name, part in parts.items()
        if name != "train"
        for digest, path in zip(part.digests, part.paths, strict=True)
        if digest in in_train
    ]
    if not found:
        return []
    images = "1 image that is" if len(found) == 1 else f"{len(found)} images that are"
    return [
        f"{images} tested or validated on also stand among the training images:"
        f" {found[0][0]} is {found[0][1]}"
    ]


def few_images(train: Decoded, names: Sequence[str]) -> list[str]:
    """One line about classes that can hardly be learnt."""
    counts = Counter(train.images.labels.tolist())
    few = [f"{name} ({counts[label]})" for label, name in enumerate(names) if counts[label] < FEW_IMAGES]
    if not few:
        return []
    shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
    return [f"few training images: {shown}"]
