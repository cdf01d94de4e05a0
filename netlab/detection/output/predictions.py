"""Files in, detections out: what a detector finds in images and videos, written in chosen formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from netlab.data.image_files import RGB
from netlab.data.image_sources import VIDEO_SUFFIXES, SourceImage, read_sources
from netlab.detection.model.detect import Detections
from netlab.detection.model.detector import Detector
from netlab.detection.output.formats import FORMATS, WRITERS, Writer
from netlab.errors import UsageError, closest


def detect_in_files(
    detector: Detector,
    files: Sequence[Path],
    *,
    device: torch.device,
    labels: Sequence[int],
    every: int = 1,
    writers: Sequence[Writer] = (),
    unread: Callable[[str], None],
) -> Iterator[tuple[SourceImage, RGB, Detections]]:
    """What is found in every image and every ``every``-th frame of videos, in order, one image at a time.

    Of these ``labels`` only (``labels_of``). Each image is given to the ``writers``, which are closed at the
    end. ``unread`` is called with what is wrong with an image that can not be read; the rest goes on.
    """
    features = detector.backbone.features(device)
    for source in read_sources(files, every=every):
        if source.pixels is None:
            unread(source.error or f"{source.path} can not be read")
            continue
        found = only(detector.on(features, source.pixels), labels)
        for writer in writers:
            writer.add(source, source.pixels, found)
        yield source, source.pixels, found
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
