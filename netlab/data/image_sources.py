"""Image sources: files, folders, globs and videos, one image at a time."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from netlab.data.image_files import RGB, SUFFIXES, ImageError, read_image
from netlab.errors import UsageError

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One image: ``name`` is unique in the source and safe as a file name; ``frame`` counts the frames
    of a video from 0. ``error`` says why there are no ``pixels``."""

    name: str
    path: Path
    pixels: RGB | None
    frame: int | None = None
    error: str | None = None


def find_files(sources: Sequence[str], *, report: Callable[[str], None] | None = None) -> list[Path]:
    """The images and videos that the sources name, in order, each once.

    A folder gives its images and videos and those of its subfolders (not of hidden ones, nor through links),
    a glob what matches it. ``report``, if there is one, is told of a source that names nothing,
    and the rest goes on.

    Raises:
        UsageError: a source names nothing, or what is neither image nor video; with ``report``, all do.
    """
    found: list[Path] = []
    problem: UsageError | None = None
    for source in sources:
        try:
            found += _files_of(source)
        except UsageError as error:
            if report is None or len(sources) == 1:
                raise
            problem = error
            report(str(error))
    if problem is not None and not found:
        raise problem
    return list(dict.fromkeys(found))


def _files_of(source: str) -> list[Path]:
    """The images and videos that one source names."""
    path = Path(source)
    if path.is_dir():
        inside = sorted(_walk(path))
        if not inside:
            raise UsageError(f"no images or videos in folder {source}")
        return inside
    if path.is_file():
        if not _is_known(path):
            raise UsageError(f"{source} is neither an image nor a video by its ending '{path.suffix}'")
        return [path]
    if glob.has_magic(source):
        anchor = Path(path.anchor)
        pattern = str(path.relative_to(anchor)) if path.is_absolute() else source
        matches = sorted(match for match in anchor.glob(pattern) if _is_known(match))
        if not matches:
            raise UsageError(f"nothing matches {source}")
        return matches
    raise UsageError(f"there is no file or folder {source}")


def _walk(folder: Path) -> Iterator[Path]:
    """The images and videos in a folder and below it."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and _is_known(path := Path(place) / name):
                yield path


def read_sources(files: Sequence[Path], *, every: int = 1) -> Iterator[SourceImage]:
    """Every image of ``files`` and every ``every``-th frame of videos, read when asked for.

    A file that can not be read gives one ``SourceImage`` with an ``error``; the rest goes on.
    """
    names = _unique_names(files)
    for path, name in zip(files, names, strict=True):
        if path.suffix.lower() in VIDEO_SUFFIXES:
            yield from _read_video(path, name, every)
            continue
        try:
            yield SourceImage(name, path, read_image(path))
        except ImageError as error:
            yield SourceImage(name, path, None, error=str(error))


def count_images(files: Sequence[Path], every: int = 1) -> int:
    """About how many images ``read_sources`` gives: a video's header may be wrong."""
    total = 0
    for path in files:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            capture = cv2.VideoCapture(str(path))
            total += max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0) // every
            capture.release()
        else:
            total += 1
    return total


def _read_video(path: Path, name: str, every: int) -> Iterator[SourceImage]:
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            yield SourceImage(name, path, None, error=f"{path} is not a video that can be read")
            return
        promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        frame = 0
        while True:
            ok, pixels = capture.read()
            if not ok:
                break
            if frame % every == 0:
                rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
                yield SourceImage(f"{name}_{frame:06d}", path, rgb, frame)
            frame += 1
        if frame < promised:
            yield SourceImage(
                name,
                path,
                None,
                error=f"{path} ends after frame {frame} of {promised}; those before it were used",
            )
    finally:
        capture.release()


def _is_known(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES | VIDEO_SUFFIXES


def _unique_names(files: Sequence[Path]) -> list[str]:
    """The stems; where two are the same, with the ending, and then with a number."""
    stems = Counter(path.stem for path in files)
    taken: set[str] = set()
    names = []
    for path in files:
        stem = path.stem
        name = stem if stems[stem] == 1 else f"{stem}_{path.suffix[1:].lower()}"
        base, number = name, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names
