"""Data sets in Pascal VOC format: which images there are, their classes and their split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netlab.data.image_files import SUFFIXES
from netlab.detection.data.annotation import AnnotatedImage, Problems, read_annotated_image
from netlab.errors import UsageError, closest


@dataclass(frozen=True, slots=True)
class DetectionData:
    """A detection data set, split by image. ``class_names`` are in alphabetical order."""

    train: tuple[AnnotatedImage, ...]
    val: tuple[AnnotatedImage, ...]
    class_names: tuple[str, ...]
    problems: Problems
    split: str  # where the split came from, in words
    has_split: bool  # whether it is the data set's own


def read_voc(
    folder: Path,
    *,
    classes: Sequence[str] = (),
    one_based: bool = False,
    val_fraction: float = 0.2,
    seed: int = 0,
) -> DetectionData:
    """Read a data set: VOC layout (Annotations, JPEGImages, ImageSets) or one flat folder.

    The split is that of ``ImageSets/Main/train.txt`` and ``val.txt`` (or ``trainval.txt`` and
    ``test.txt``); without them, ``val_fraction`` of the images drawn by ``seed`` from the sorted
    names. With ``classes``, only objects of these are kept.

    Raises:
        UsageError: there is no such data set, no usable image, or a class never occurs.
    """
    annotations, images = _layout(folder)
    problems = Problems()
    files = annotation_files(annotations, problems)
    names = sorted(files)
    if not names:
        nested = sorted(path.parent for path in folder.glob("*/Annotations"))
        hint = f" Did you mean {nested[0]}?" if nested else ""
        raise UsageError(f"no VOC annotations (*.xml) in {annotations}.{hint}")
    count_unannotated(images, files, problems)
    train_names, val_names, split, has_split = _split(folder, names, val_fraction, seed, problems)

    def read(chosen: Iterable[str]) -> tuple[AnnotatedImage, ...]:
        found = (
            read_annotated_image(files[name], images, one_based=one_based, problems=problems)
            for name in chosen
        )
        return tuple(image for image in found if image is not None)

    train, val = read(train_names), read(val_names)
    if not train and not val:
        raise UsageError(f"no usable image in {folder}: " + "; ".join(problems.lines()))
    class_names = _class_names(folder, (*train, *val), classes)
    for name in sorted(set(class_names) - {name for image in train for name in image.names}):
        problems.add("classes that occur in validation images only, and can not be learnt", name)
    for image in (*train, *val):
        if not image.names:
            problems.add("images without objects, used as background", image.name)
    data = DetectionData(train, val, class_names, problems, split, has_split)
    return keep_classes(data, class_names)


def annotation_files(folder: Path, problems: Problems) -> dict[str, Path]:
    """The annotations of a folder by the name of their image, whatever the case of ``.xml``."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".xml" or path.is_dir():
            continue
        if path.stem in found:
            problems.add("annotations left out, another one has the name", path.name)
        else:
            found[path.stem] = path
    return found


def count_unannotated(folder: Path, files: Mapping[str, Path], problems: Problems) -> None:
    """Say which images have no annotation: they are used neither for objects nor as background."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.stem not in files:
            problems.add("images without an annotation left out", path.name)


def _layout(folder: Path) -> tuple[Path, Path]:
    """The folders of the annotations and of the images: VOC's, or ``folder`` itself for both."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    annotations, images = folder / "Annotations", folder / "JPEGImages"
    if not annotations.is_dir():
        return folder, folder
    return annotations, images if images.is_dir() else annotations


def _class_names(folder: Path, images: Iterable[AnnotatedImage], wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes that occur, or those of them that are ``wanted``, in alphabetical order."""
    occurring = sorted({name for image in images for name in image.names})
    for name in wanted:
        if name not in occurring:
            raise UsageError(
                f"class '{name}' never occurs in {folder}.{closest(name, occurring)}"
                f" It has: {', '.join(occurring) or 'no objects'}."
            )
    if not occurring:
        raise UsageError(f"no annotation in {folder} has a usable <object>")
    if reserved := [name for name in wanted or occurring if name.lower() == "background"]:
        raise UsageError(
            f"a class of {folder} is called '{reserved[0]}', which is what a detector calls all that is no"
            " object: rename it, or name the other classes with --classes"
        )
    return tuple(sorted(set(wanted))) if wanted else tuple(occurring)


def keep_classes(data: DetectionData, classes: Sequence[str]) -> DetectionData:
    """The data set with only the objects of ``classes``; images without any stay, as background."""
    return DetectionData(
        tuple(_only(image, classes) for image in data.train),
        tuple(_only(image, classes) for image in data.val),
        tuple(sorted(set(classes))),
        data.problems,
        data.split,
        data.has_split,
    )


def _only(image: AnnotatedImage, classes: Sequence[str]) -> AnnotatedImage:
    keep = np.array([name in classes for name in image.names], bool)
    return AnnotatedImage(
        image.name,
        image.path,
        image.size,
        image.boxes[keep],
        tuple(name for name in image.names if name in classes),
        image.difficult[keep],
    )


def _split(
    folder: Path, names: Sequence[str], val_fraction: float, seed: int, problems: Problems
) -> tuple[list[str], list[str], str, bool]:
    sets = folder / "ImageSets" / "Main"
    for first, second in (("train", "val"), ("trainval", "test")):
        if (sets / f"{first}.txt").is_file() and (sets / f"{second}.txt").is_file():
            train = _read_image_set(sets / f"{first}.txt", names, problems)
            val = _read_image_set(sets / f"{second}.txt", names, problems)
            shared = set(train) & set(val)
            for name in sorted(shared):
                problems.add(f"images in both {first}.txt and {second}.txt, kept in {second}", name)
            kept = [name for name in train if name not in shared]
            return kept, val, f"ImageSets/Main ({first}, {second})", True
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    # At least one, unless none is asked for, and never all.
    least = 1 if val_fraction > 0 else 0
    held_out = min(max(round(val_fraction * len(names)), least), len(names) - 1)
    drawn = f"{val_fraction:.0%} of the images, seed {seed}"
    return sorted(order[held_out:]), sorted(order[:held_out]), drawn, False


def _read_image_set(path: Path, names: Sequence[str], problems: Problems) -> list[str]:
    """The names listed, each once; those without an annotation are counted as problems."""
    known, listed = set(names), []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        if not fields:
            continue
        if fields[0] in known:
            listed.append(fields[0])
        else:
            problems.add(f"names in {path.name} without an annotation", fields[0])
    return list(dict.fromkeys(listed))
