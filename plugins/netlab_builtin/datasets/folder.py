"""A folder of images, one folder a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from netlab.kinds.dataset import Geometry, ImageFiles, LabelledFiles
from netlab_builtin.datasets.image_list import SUFFIXES as SUFFIXES_OF_LISTS
from netlab_builtin.datasets.image_list import read_list
from netlab_builtin.datasets.options import FolderOptions

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pgm", ".ppm"})


def folder(*, root: Path, offline: bool, options: FolderOptions) -> ImageFiles:
    """Images in ``CLASS/``, or in ``train/CLASS/`` and, if they are there, ``test/CLASS/``, ``val/CLASS/``.

    Classes are folders, sorted by name. Links that lead out of the folder are left out. A CSV or Parquet
    list can say which files there are, instead of a folder: see ``read_list``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no folders of classes, a class has no images, two classes differ by case only, or a
            part has a class that ``train`` has not.
    """
    top = options.path
    if top.suffix.lower() in SUFFIXES_OF_LISTS and not top.is_dir():
        parts, names = read_list(top)
        return image_files(parts, names, options)
    if not top.is_dir():
        raise FileNotFoundError(f"there is no folder {top} (--data.path)")
    split = (top / "train").is_dir()
    if not split and (top / "test").is_dir():
        raise ValueError(f"{top} has test/ but no train/")
    whole = top / "train" if split else top
    outside: list[Path] = []
    names = class_names(whole, top, outside)
    others = {
        part: read_part(top / part, names, top, outside)
        for part in ("test", "val")
        if split and (top / part).is_dir()
    }
    train = read_part(whole, names, top, outside)
    return image_files({"train": train, **others}, names, options, links_out(outside, top))


def image_files(
    parts: Mapping[str, LabelledFiles],
    names: tuple[str, ...],
    options: FolderOptions,
    problems: tuple[str, ...] = (),
) -> ImageFiles:
    """The data set of these parts."""
    return ImageFiles(
        train=parts["train"],
        test=parts.get("test"),
        val=parts.get("val"),
        class_names=names,
        augmentations=frozenset(options.augmentations),
        geometry=Geometry(options.size, options.size, options.shorter, options.resampling),
        grey=options.grey,
        test_share=options.test,
        test_seed=options.test_seed,
        problems=problems,
    )


def class_names(whole: Path, top: Path, outside: list[Path]) -> tuple[str, ...]:
    """The folders in ``whole``, sorted.

    Raises:
        ValueError: there is none, or two differ by case only.
    """
    names = tuple(path.name for path in subfolders(whole, top, outside))
    if not names:
        raise ValueError(f"{whole} has no folders: one a class is expected")
    by_lower: dict[str, str] = {}
    for name in names:
        other = by_lower.setdefault(name.lower(), name)
        if other != name:
            raise ValueError(
                f"{whole} has the classes '{other}' and '{name}', which differ by case only: rename one,"
                " or put their images together"
            )
    return names


def subfolders(path: Path, top: Path, outside: list[Path]) -> list[Path]:
    """The folders in ``path`` that are not hidden, sorted; links out of ``top`` go to ``outside``."""
    found = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return inside(found, top, outside)


def inside(paths: Sequence[Path], top: Path, outside: list[Path]) -> list[Path]:
    """Those of ``paths`` that lie in ``top`` once links are followed; the others go to ``outside``."""
    real = top.resolve()
    kept: list[Path] = []
    for path in paths:
        is_inside = not path.is_symlink() or path.resolve().is_relative_to(real)
        (kept if is_inside else outside).append(path)
    return kept


def links_out(outside: Sequence[Path], top: Path) -> tuple[str, ...]:
    """One line about the links that lead out of the folder."""
    if not outside:
        return ()
    first = f"{outside[0].relative_to(top)} leads to {outside[0].resolve()}"
    links = "1 link is" if len(outside) == 1 else f"{len(outside)} links are"
    return (f"{links} left out, out of the folder {top}: {first}",)


def read_part(path: Path, names: tuple[str, ...], top: Path, outside: list[Path]) -> LabelledFiles:
    """The files of one part, class after class, by name."""
    unknown = sorted({entry.name for entry in subfolders(path, top, [])} - set(names))
    if unknown:
        raise ValueError(f"{path} has a class '{unknown[0]}' that train/ has not")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        files = inside(sorted(file for file in (path / name).glob("*") if is_image(file)), top, outside)
        if not files:
            raise ValueError(f"{path / name} has no images ({', '.join(sorted(SUFFIXES))})")
        paths += files
        labels += [label] * len(files)
    return LabelledFiles(tuple(paths), tuple(labels))


def is_image(file: Path) -> bool:
    """Whether the name is one of an image; hidden files (``._cat.png``) are not."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and not file.is_dir()
