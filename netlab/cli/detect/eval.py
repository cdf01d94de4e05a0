"""``netlab detect eval``: measure a detector on a data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, say, terminal, warn
from netlab.cli.core.flags import Shown
from netlab.cli.core.options import Json, Out
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.session import Session
from netlab.cli.detect.cache_warnings import broken_cache_files_reported
from netlab.cli.detect.options import Annotations, TrainedDetector, VocFolder


class EvalOptions(Annotations, TrainedDetector, Json):
    voc_dir: VocFolder
    split: Literal["val", "train", "all"] = Field(
        "val", description="Which images. val: ImageSets', else those held out in training."
    )
    out: Annotated[Out[Path | None], Shown(metavar="FOLDER")] = Field(
        None, json_schema_extra={"shown_default": "'evaluation' in the detector's folder"}
    )


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def evaluate(options: EvalOptions) -> None:
        """Measure a detector: AP at IoU .5, .75 and .5:.95 (COCO), and the VOC 2007 AP, per class.

        Writes the precision-recall curves and a picture of the worst misses and false alarms.
        """
        from netlab.detection.evaluation.evaluate import evaluate_detector, images_to_evaluate
        from netlab.training.device import choose_device

        folder, detector = options.folder(), options.load(session.catalog)
        images = images_to_evaluate(
            options.voc_dir, detector.class_names, folder, options.split,
            one_based=options.one_based, warn=warn,
        )  # fmt: skip
        console = terminal(stderr=options.as_json)
        with TerminalReporter(console, quiet=options.as_json) as reporter, broken_cache_files_reported():
            evaluation = evaluate_detector(
                detector, images, options.out or folder / "evaluation",
                device=choose_device(options.device), reporter=reporter,
            )  # fmt: skip
        if options.as_json:
            print(json.dumps(evaluation.result, indent=2))
            return
        print_figures(console, evaluation.result)
        for path in evaluation.plots:
            if path.suffix == ".png":
                say(console, path)

    return command(session, EvalOptions, evaluate)


def print_figures(console: Any, result: Mapping[str, Any]) -> None:
    """One row a class, and the mean."""
    numbers = ("AP50", "AP75", "AP", "VOC07", "objects", "confidence", "precision", "recall")
    table = plain_table("class", *numbers, right=numbers)

    def cells(row: Mapping[str, Any], *keys: str) -> list[str]:
        return ["-" if row[key] is None else f"{row[key]:.3f}" for key in keys]

    measures = ("ap50", "ap75", "ap", "voc2007")
    for name, row in result["per_class"].items():
        counts = (f"{row['objects']:,}", f"{row['confidence']:.2f}")
        table.add_row(str(name), *cells(row, *measures), *counts, *cells(row, "precision", "recall"))
    if len(result["per_class"]) > 1:
        table.add_section()
        table.add_row("mean", *cells(result, *measures))
    console.print(table, highlight=False)
    say(console, f"{result['images']} images; precision and recall at the model's confidence", style="dim")
    if found := result["intervals"]:
        named = (("AP50", "ap50"), ("AP75", "ap75"), ("AP", "ap"))
        shown = ", ".join(f"{name} {found[key][0]:.3f} to {found[key][1]:.3f}" for name, key in named)
        say(console, f"of other such images, 95%: {shown}", style="dim")
