"""Files in, detections out: what a detector finds in images and videos, written in chosen formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netlab.data.image_files import RGB
from netlab.data.image_sources import VIDEO_SUFFIXES, SourceImage, count_images, find_files, read_sources
from netlab.detection.model.detect import Detections
from netlab.detection.model.interface import Detector
from netlab.detection.output.formats import FORMATS, WRITERS, Writer, as_json
from netlab.errors import UsageError, closest
from netlab.training.device import choose_device
from netlab.training.reporter import Reporter


@dataclass(frozen=True, slots=True)
class DetectedImage:
    """An image, or a frame of a video, and what was found in it."""

    source: SourceImage
    pixels: RGB
    found: Detections
    class_names: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The class of each detection."""
        return [self.class_names[label - 1] for label in self.found.labels.tolist()]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: boxes as [x1, y1, x2, y2], half-open, 0-based, in pixels."""
        return as_json(self.source, self.pixels, self.found, self.class_names)


def detect_in_sources(
    detector: Detector,
    sources: Sequence[str],
    *,
    out: Path,
    formats: Iterable[str] = (),
    classes: Sequence[str] = (),
    every: int = 1,
    device: str = "auto",
    reporter: Reporter,
    unread: Callable[[str], None],
) -> Iterator[DetectedImage]:
    """What is found in every image and every ``every``-th frame of videos, in order, one image at a time.

    Of ``classes`` only, or of all. Written into the folder ``out`` in each of ``formats``, whose files are
    complete when the last image was given. ``unread`` is called with what is wrong with an image that can
    not be read; the rest goes on.

    Raises:
        UsageError: there is no such source, class or format, or ``out`` is a file.
    """
    chosen, labels = known_formats(formats), labels_of(detector, classes)
    files = find_files(sources)
    if any_video(files):
        detector = detector.without_cache()
    writers = open_writers(chosen, out, detector.class_names)
    find = detector.on(choose_device(device))
    reporter.phase("detecting", count_images(files, every))
    for source in read_sources(files, every=every):
        if source.pixels is None:
            unread(source.error or f"{source.path} can not be read")
            continue
        found = only(find(source.pixels), labels)
        for writer in writers:
            writer.add(source, source.pixels, found)
        yield DetectedImage(source, source.pixels, found, detector.class_names)
        reporter.advance()
    for writer in writers:
        writer.close()


def labels_of(detector: Detector, classes: Sequence[str]) -> list[int]:
    """The labels of the classes asked for; none asked for means all.

    Raises:
        UsageError: the detector has no such class.
    """
    for name in classes:
        if name not in detector.class_names:
            known = ", ".join(detector.class_names)
            raise UsageError(
                f"the model has no class '{name}'.{closest(name, detector.class_names)} It has: {known}."
            )
    return [label for label, name in enumerate(detector.class_names, 1) if not classes or name in classes]


def only(found: Detections, labels: Sequence[int]) -> Detections:
    """The detections of these labels."""
    keep = np.isin(found.labels, labels)
    return Detections(found.boxes[keep], found.scores[keep], found.labels[keep])


def known_formats(names: Iterable[str]) -> list[str]:
    """The formats, each once; ``none`` is no format.

    Raises:
        UsageError: there is no such format.
    """
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name != "none" and name not in WRITERS:
            known = ", ".join(FORMATS)
            raise UsageError(f"--save {name}: known are {known}, and none.{closest(name, WRITERS)}")
    return [name for name in chosen if name != "none"]


def open_writers(formats: Iterable[str], out: Path, class_names: Sequence[str]) -> list[Writer]:
    """A writer a format, into the folder ``out``.

    Raises:
        UsageError: ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder")
    return [WRITERS[name](out, class_names) for name in formats]


def any_video(files: Iterable[Path]) -> bool:
    """Frames of a video are hardly ever seen again: keeping their proposals would only fill the disk."""
    return any(path.suffix.lower() in VIDEO_SUFFIXES for path in files)
