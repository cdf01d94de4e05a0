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
        from netlab.detection.output.predictions import detect_in_sources

        detector = options.load(session.catalog).with_rule(
            confidence=options.confidence, max_detections=options.max_detections
        )
        console = terminal(stderr=options.as_json)
        counts: Counter[str] = Counter()
        unread: list[str] = []
        images, began = 0, time.perf_counter()

        def report_unread(problem: str) -> None:
            unread.append(problem)
            warn(problem)

        with TerminalReporter(console, quiet=options.as_json) as reporter, broken_cache_files_reported():
            for image in detect_in_sources(
                detector, options.sources, classes=options.classes, formats=options.save, out=options.out,
                every=options.every, device=options.device, reporter=reporter, unread=report_unread,
            ):  # fmt: skip
                if options.as_json:
                    print(json.dumps(image.as_dict()), flush=True)
                counts.update(image.names)
                images += 1
        if not options.as_json:
            written = None if options.save == ["none"] else options.out
            print_summary(console, counts, images, time.perf_counter() - began, written)
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
