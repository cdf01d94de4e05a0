"""``netlab detect predict``: detect objects in images and videos."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import say, terminal, warn
from netlab.cli.core.flags import Shown
from netlab.cli.core.options import Json, ManyImages, Names, Out
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.session import Session
from netlab.cli.detect.cache_warnings import broken_cache_files_reported
from netlab.cli.detect.options import OnlyClasses, TrainedDetector
from netlab.errors import NetlabError

FORMATS = "image, json, coco, csv, yolo, voc"


class DetectOptions(ManyImages, OnlyClasses, TrainedDetector, Json):
    confidence: float | None = Field(
        None, ge=0, le=1, description="Least score. Default: of the best F1, by class."
    )
    max_detections: int | None = Field(None, ge=1, description="Most boxes of an image.")
    save: Names = Field(["image"], description=f"What is written: {FORMATS}, or none.")
    out: Annotated[Out[Path], Shown(metavar="FOLDER")] = Path("detections")


def build(session: Session) -> Callable[..., None]:
    """The command; a model brings its parts with it, so there are no flags of parts."""

    def predict(options: DetectOptions) -> None:
        """Detect objects in images and videos, one after another.

        A source that can not be read is reported and passed over; the exit code is then 1.
        """
        from netlab.data.image_sources import count_images, find_files
        from netlab.detection.output.formats import as_json
        from netlab.detection.output.predictions import (
            any_video,
            detect_in_files,
            known_formats,
            labels_of,
            open_writers,
        )
        from netlab.training.device import choose_device

        formats = known_formats(options.save)
        options.folder()  # before files are looked for: a wrong name is reported first
        files = find_files(options.sources)
        detector = options.load(session.catalog, keep_proposals=not any_video(files))
        detector = detector.with_rule(confidence=options.confidence, max_detections=options.max_detections)
        labels = labels_of(detector, options.classes)
        device = choose_device(options.device)
        writers = open_writers(formats, options.out, detector.class_names)
        console = terminal(stderr=options.as_json)
        counts: Counter[str] = Counter()
        unread: list[str] = []
        images, began = 0, time.perf_counter()

        def report_unread(problem: str) -> None:
            unread.append(problem)
            warn(problem)

        with TerminalReporter(console, quiet=options.as_json) as reporter, broken_cache_files_reported():
            reporter.phase("detecting", count_images(files, options.every))
            for source, pixels, found in detect_in_files(
                detector, files, device=device, labels=labels, every=options.every, writers=writers,
                unread=report_unread,
            ):  # fmt: skip
                if options.as_json:
                    print(json.dumps(as_json(source, pixels, found, detector.class_names)), flush=True)
                counts.update(detector.class_names[label - 1] for label in found.labels.tolist())
                images += 1
                reporter.advance()
        if not options.as_json:
            print_summary(
                console, counts, images, time.perf_counter() - began, options.out if formats else None
            )
        if unread:
            raise NetlabError(f"{len(unread)} of {images + len(unread)} images could not be used (see above)")

    return command(session, DetectOptions, predict)


def print_summary(console: Any, counts: Counter[str], images: int, seconds: float, out: Path | None) -> None:
    """How many of what were found, how fast, and where it is."""
    found = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
    each = f", {seconds / images:.2f} s an image" if images else ""
    say(console, f"{images} image{'' if images == 1 else 's'}: {found}{each}")
    if out is not None:
        say(console, f"written to {out}")
