"""``netlab detect predict``: detect objects in images and videos."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.session import Session
from netlab.cli.detect.shared import (
    RUNS,
    broken_cache_files_reported,
    cache_folder,
    finish,
    split_names,
    warn,
)
from netlab.errors import NetlabError, UsageError, closest

if TYPE_CHECKING:
    from netlab.detection.model.detector import Detector

FORMATS = "image, json, coco, csv, yolo, voc"


def build(session: Session) -> Callable[..., None]:
    """The command; a model brings its parts with it, so there are no flags of parts."""

    def predict(
        values: dict[str, dict[str, Any]],
        sources: Annotated[list[str], typer.Argument(help="Images, videos, folders or globs.")],
        model: Annotated[str, typer.Option("--model", help="A run of 'netlab detect train'.")],
        confidence: Annotated[
            float | None,
            typer.Option(
                "--confidence", min=0.0, max=1.0, help="Least score. Default: of the best F1, by class."
            ),
        ] = None,
        iou: Annotated[
            float | None,
            typer.Option("--iou", min=0.0, max=1.0, help="Overlap above which the weaker box is dropped."),
        ] = None,
        classes: Annotated[list[str] | None, typer.Option("--classes", help="Only these: cat,dog.")] = None,
        max_detections: Annotated[
            int | None, typer.Option("--max-detections", min=1, help="Most boxes of an image.")
        ] = None,
        refinements: Annotated[
            int | None,
            typer.Option("--refinements", min=0, max=5, help="How often boxes are described again, moved."),
        ] = None,
        save: Annotated[list[str] | None, typer.Option("--save", help=f"What is written: {FORMATS}.")] = None,
        out: Annotated[Path, typer.Option("--out", help="Where it is written.")] = Path("detections"),
        every: Annotated[int, typer.Option("--every", min=1, help="Of videos, every n-th frame.")] = 1,
        runs: Annotated[Path, typer.Option("--runs", help="Where detectors are kept.")] = RUNS,
        cache: Annotated[
            Path | None, typer.Option("--cache", help="Where proposals are kept between calls.")
        ] = None,
        no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no proposals.")] = False,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        allow_mismatch: Annotated[
            bool, typer.Option("--allow-mismatch", help="Use a model of other parts all the same.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line an image.")] = False,
    ) -> None:
        """Detect objects in images and videos, one after another.

        A source that can not be read is reported and passed over; the exit code is then 1.
        """
        from rich.console import Console

        from netlab.data.image_sources import count_images, find_files, read_sources
        from netlab.training.device import choose_device

        formats = chosen_formats(save)
        folder = model_folder(model, runs)
        files = find_files(sources)
        kept = None if any_video(files) else cache_folder(cache, no_cache)
        detector = load_for_use(session, folder, cache=kept, allow_mismatch=allow_mismatch)
        detector = with_flags_applied(
            detector,
            confidence=confidence,
            iou=iou,
            max_detections=max_detections,
            refinements=refinements,
        )
        wanted = wanted_labels(detector, split_names(classes))
        features = detector.backbone.features(choose_device(device))
        writers = open_writers(formats, out, detector.class_names)
        console = Console(stderr=as_json)
        counts: Counter[str] = Counter()
        images = failed = 0
        began = time.perf_counter()
        with TerminalReporter(console, quiet=as_json) as progress, broken_cache_files_reported():
            progress.phase("detecting", count_images(files, every))
            for source in read_sources(files, every=every):
                if source.pixels is None:
                    failed += 1
                    warn(source.error or f"{source.path} can not be read")
                    continue
                found = only(detector.on(features, source.pixels), wanted)
                for writer in writers:
                    writer.add(source, source.pixels, found)
                if as_json:
                    from netlab.detection.output.formats import as_json as described

                    print(
                        json.dumps(described(source, source.pixels, found, detector.class_names)), flush=True
                    )
                counts.update(detector.class_names[label - 1] for label in found.labels.tolist())
                images += 1
                progress.advance()
        for writer in writers:
            writer.close()
        if not as_json:
            seconds = time.perf_counter() - began
            print_summary(console, counts, images, seconds, out if formats else None)
        if failed:
            raise NetlabError(f"{failed} of {images + failed} images could not be used (see above)")

    return finish(session, predict, [], [])


def any_video(files: list[Path]) -> bool:
    """Frames of a video are hardly ever seen again: keeping their proposals would only fill the disk."""
    from netlab.data.image_sources import VIDEO_SUFFIXES

    return any(path.suffix.lower() in VIDEO_SUFFIXES for path in files)


def model_folder(model: str, runs: Path) -> Path:
    """The folder of the detector that a user named: a run's path or name, or one of its model files.

    Raises:
        UsageError: there is none (with the closest name).
    """
    path = Path(model)
    if path.name in ("model.toml", "model.safetensors"):
        path = path.parent
    if not (path / "model.toml").is_file() and (runs / model / "model.toml").is_file():
        return runs / model
    if not path.is_dir():
        names = sorted(known.parent.name for known in runs.glob("*/model.toml"))
        raise UsageError(f"there is no run '{model}' (a path, or a name in '{runs}').{closest(model, names)}")
    return path


def load_for_use(session: Session, folder: Path, *, cache: Path | None, allow_mismatch: bool) -> Detector:
    """The detector in ``folder``; what differs from where it was trained is warned of."""
    from netlab.detection.model.model_file import load_detector

    detector, mismatches = load_detector(folder, session.catalog, cache=cache, allow_mismatch=allow_mismatch)
    for line in mismatches:
        warn(line)
    return detector


def with_flags_applied(
    detector: Detector,
    *,
    confidence: float | None = None,
    iou: float | None = None,
    max_detections: int | None = None,
    refinements: int | None = None,
) -> Detector:
    """The detector's stored rule with what the flags change."""
    changes = {
        "confidence": confidence,
        "iou": iou,
        "max_detections": max_detections,
        "refinements": refinements,
    }
    return detector.with_rule(**{key: value for key, value in changes.items() if value is not None})


def wanted_labels(detector: Detector, classes: list[str]) -> list[int]:
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


def only(found: Any, labels: list[int]) -> Any:
    """The detections of these labels."""
    import numpy as np

    from netlab.detection.model.detect import Detections

    keep = np.isin(found.labels, labels)
    return Detections(found.boxes[keep], found.scores[keep], found.labels[keep])


def chosen_formats(save: list[str] | None) -> list[str]:
    """The formats asked for; pictures if none is named.

    Raises:
        UsageError: there is no such format.
    """
    from netlab.detection.output.formats import WRITERS

    chosen = split_names(save) if save is not None else ["image"]
    for name in chosen:
        if name != "none" and name not in WRITERS:
            raise UsageError(f"--save {name}: known are {FORMATS}, and none.{closest(name, WRITERS)}")
    return [name for name in dict.fromkeys(chosen) if name != "none"]


def open_writers(formats: list[str], out: Path, class_names: tuple[str, ...]) -> list[Any]:
    """A writer a format."""
    from netlab.detection.output.formats import WRITERS

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder")
    return [WRITERS[name](out, class_names) for name in formats]


def print_summary(console: Any, counts: Counter[str], images: int, seconds: float, out: Path | None) -> None:
    """How many of what were found, how fast, and where it is."""
    found = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
    each = f", {seconds / images:.2f} s an image" if images else ""
    console.print(f"{images} image{'' if images == 1 else 's'}: {found}{each}", highlight=False)
    if out is not None:
        console.print(f"written to {out}", highlight=False)
