"""``netlab detect eval``: measure a detector on a data set."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.session import Session
from netlab.cli.detect.predict import load_for_use, model_folder, with_flags_applied
from netlab.cli.detect.shared import RUNS, broken_cache_files_reported, cache_folder, finish, warn
from netlab.errors import UsageError

if TYPE_CHECKING:
    from netlab.detection.data.annotation import AnnotatedImage
    from netlab.detection.model.detector import Detector


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def evaluate(
        values: dict[str, dict[str, Any]],
        voc_dir: Annotated[Path, typer.Argument(help="VOC layout, or a folder of images and XML.")],
        model: Annotated[str, typer.Option("--model", help="A run of 'netlab detect train'.")],
        split: Annotated[
            Literal["val", "train", "all"],
            typer.Option("--split", help="Which images. val: ImageSets', else those held out in training."),
        ] = "val",
        one_based: Annotated[
            bool, typer.Option("--voc-one-based", help="Corners count from 1 and belong to the box.")
        ] = False,
        iou: Annotated[
            float | None,
            typer.Option("--iou", min=0.0, max=1.0, help="Overlap above which the weaker box is dropped."),
        ] = None,
        refinements: Annotated[
            int | None,
            typer.Option("--refinements", min=0, max=5, help="How often boxes are described again, moved."),
        ] = None,
        out: Annotated[
            Path | None, typer.Option("--out", help="Where plots go. Default: 'evaluation' in the run.")
        ] = None,
        runs: Annotated[Path, typer.Option("--runs", help="Where detectors are kept.")] = RUNS,
        cache: Annotated[
            Path | None, typer.Option("--cache", help="Where proposals are kept between calls.")
        ] = None,
        no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no proposals.")] = False,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        allow_mismatch: Annotated[
            bool, typer.Option("--allow-mismatch", help="Use a model of other parts all the same.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Measure a detector: AP at IoU .5, .75 and .5:.95 (COCO), and the VOC 2007 AP, per class.

        Writes the precision-recall curves and a picture of the worst misses and false alarms.
        """
        from rich.console import Console

        from netlab.detection.evaluation.average_precision import curve, precision_and_recall
        from netlab.detection.evaluation.average_precision import evaluate as measure
        from netlab.detection.evaluation.curve_table import write_curves
        from netlab.detection.evaluation.mistakes import MistakeGallery
        from netlab.detection.evaluation.plots import plot_precision_recall
        from netlab.detection.evaluation.validation import detect_all
        from netlab.training.device import choose_device

        folder = model_folder(model, runs)
        kept = cache_folder(cache, no_cache)
        detector = load_for_use(session, folder, cache=kept, allow_mismatch=allow_mismatch)
        detector = with_flags_applied(detector, iou=iou, refinements=refinements)
        images = chosen_images(voc_dir, detector, folder, split, one_based=one_based)
        console = Console(stderr=as_json)
        gallery = MistakeGallery(detector.class_names, detector.rule)
        with TerminalReporter(console, quiet=as_json) as progress, broken_cache_files_reported():
            detections, truths = detect_all(
                detector, images, choose_device(device), progress, seen=gallery.add
            )
        if not truths:
            raise UsageError(f"no image of {voc_dir} can be read")
        result = measure(detections, truths, detector.class_names).as_dict() | {"images": len(truths)}
        for label, name in enumerate(detector.class_names, start=1):
            confidence = detector.rule.least(label)
            precision, recall = precision_and_recall(curve(detections, truths, label, 0.5), confidence)
            result["per_class"][name] |= {
                "confidence": confidence,
                "precision": None if math.isnan(precision) else precision,
                "recall": None if math.isnan(recall) else recall,
            }
        target = out or folder / "evaluation"
        target.mkdir(parents=True, exist_ok=True)
        plots = plot_precision_recall(detections, truths, detector.class_names, target)
        plots += gallery.save(target)
        write_curves(detections, truths, detector.class_names, target)
        if as_json:
            print(json.dumps(result, indent=2))
            return
        print_table(console, result)
        for path in plots:
            if path.suffix == ".png":
                console.print(f"{path}", highlight=False, soft_wrap=True)

    return finish(session, evaluate, [], [])


def chosen_images(
    voc_dir: Path, detector: Detector, folder: Path, split: str, *, one_based: bool
) -> list[AnnotatedImage]:
    """The images to measure on; warns where some of them were trained on.

    Without ImageSets, ``val`` means the images that were held out when the model was trained on this
    folder, and all images of any other folder.
    """
    from netlab.detection.data.voc import keep_classes, read_voc
    from netlab.detection.training.split_file import file_digest

    data = read_voc(voc_dir, one_based=one_based)
    data = keep_classes(data, known_classes(voc_dir, data.class_names, detector.class_names))
    for line in data.problems.lines():
        warn(line)
    record: Mapping[str, Any] = {}
    if (folder / "split.json").is_file():
        record = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    if split == "all" or (split == "val" and not data.has_split):
        images = [*data.train, *data.val]
        if split == "val" and record.get("folder") == str(voc_dir.resolve()):
            images = [image for image in images if image.name in record["val"]]
    else:
        images = list(data.val if split == "val" else data.train)
    if not images:
        raise UsageError(f"no images in split '{split}' of {voc_dir}")
    trained_on = set(record.get("train", {}).values())
    seen = sum(file_digest(image.path) in trained_on for image in images) if trained_on else 0
    if seen and split != "train":
        warn(f"{seen} of {len(images)} images were trained on: these figures are too good")
    return images


def known_classes(voc_dir: Path, names: Sequence[str], model_names: Sequence[str]) -> list[str]:
    """The model's classes that occur in the data set; others are warned of."""
    unknown = [name for name in names if name not in model_names]
    known = [name for name in names if name in model_names]
    if not known:
        raise UsageError(
            f"{voc_dir} has objects of {', '.join(names)}; the model knows {', '.join(model_names)}"
        )
    if unknown:
        warn(f"the model does not know {', '.join(unknown)}: their objects are not counted")
    return known


def print_table(console: Any, result: Mapping[str, Any]) -> None:
    """One row a class, and the mean."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("class")
    for name in ("AP50", "AP75", "AP", "VOC07", "objects", "confidence", "precision", "recall"):
        table.add_column(name, justify="right")

    def cells(row: Mapping[str, Any], *keys: str) -> list[str]:
        return ["-" if row[key] is None else f"{row[key]:.3f}" for key in keys]

    measures = ("ap50", "ap75", "ap", "voc2007")
    for name, row in result["per_class"].items():
        at_confidence = cells(row, "precision", "recall")
        table.add_row(
            name, *cells(row, *measures), f"{row['objects']:,}", f"{row['confidence']:.2f}", *at_confidence
        )
    if len(result["per_class"]) > 1:
        table.add_section()
        table.add_row("mean", *cells(result, *measures))
    console.print(table, highlight=False)
    console.print(
        f"{result['images']} images; precision and recall at the model's confidence",
        highlight=False,
        style="dim",
    )
