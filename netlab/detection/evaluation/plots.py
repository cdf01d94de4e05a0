"""Plots of training and of precision and recall."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netlab.detection.evaluation.average_precision import Truth, best_threshold, curve, voc2007_ap
from netlab.detection.model.detect import Detections
from netlab.detection.output.draw import class_colour
from netlab.runs.curves import TRAIN_COLOUR, VAL_COLOUR, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CURVES = 10  # classes in one precision-recall plot


def plot_training(rows: Sequence[Mapping[str, float]], folder: Path, *, title: str) -> list[Path]:
    """Write ``curves``: the losses, and the AP at .5 on the validation images."""
    return save_figure(training_figure(rows, title=title), folder / "curves")


def training_figure(rows: Sequence[Mapping[str, float]], *, title: str) -> Figure:
    """The losses over the epochs, and the AP at .5 on the validation images."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    figure.suptitle(title, fontsize=11)
    loss, ap = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    marker = "o" if len(rows) <= 30 else ""
    style = {"marker": marker, "markersize": 3.5}
    of_regions = "train_box_loss" in rows[0]
    label = "classification" if of_regions else "all losses"
    loss.plot(epochs, [row["train_loss"] for row in rows], color=TRAIN_COLOUR, label=label, **style)
    if of_regions:
        boxes = [row["train_box_loss"] for row in rows]
        loss.plot(epochs, boxes, color=TRAIN_COLOUR, linestyle="--", label="boxes", **style)
    loss.set_ylabel("training loss")
    loss.set_ylim(bottom=0)
    loss.legend(frameon=False)
    measured = [row for row in rows if not math.isnan(row["val_ap50"])]
    style["marker"] = "o" if len(measured) <= 30 else ""
    ap.plot(
        [row["epoch"] for row in measured], [row["val_ap50"] for row in measured], color=VAL_COLOUR, **style
    )
    ap.set_ylabel("validation AP50, before refinement" if of_regions else "validation AP50")
    ap.set_ylim(0, 1.02)
    mined = [row["epoch"] for row in rows if row.get("hard_negatives")]
    for axes in (loss, ap):
        if mined:
            axes.axvline(mined[0] - 0.5, color="0.6", linewidth=1, linestyle=":")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    if mined:
        ap.annotate(
            "hard negatives", (mined[0] - 0.5, 0.02), fontsize=8, color="0.4", rotation=90, ha="right"
        )
    return figure


def plot_precision_recall(
    detections: Sequence[Detections], truths: Sequence[Truth], class_names: Sequence[str], folder: Path
) -> list[Path]:
    """Write ``precision_recall``: a curve a class at IoU .5, the threshold of the best F1 marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 5.0), layout="constrained")
    axes = figure.subplots()
    found = [
        (name, label, curve(detections, truths, label, 0.5)) for label, name in enumerate(class_names, 1)
    ]
    present = sorted((item for item in found if item[2].objects), key=lambda item: -item[2].objects)
    for name, label, measured in present[:MOST_CURVES]:
        colour = tuple(channel / 255 for channel in class_colour(label))
        text = f"{name}: {voc2007_ap(measured):.2f} ({measured.objects} objects)"
        recall = np.concatenate([[0.0][: len(measured.recall)], measured.recall])
        precision = np.concatenate([measured.precision[:1], measured.precision])
        axes.step(recall, precision, where="post", color=colour, label=text)
        threshold = best_threshold(measured)
        if threshold is not None:
            last = int((measured.scores >= threshold).sum()) - 1
            axes.plot(measured.recall[last], measured.precision[last], "o", color=colour, markersize=5)
            axes.annotate(
                f"{threshold:.2f}",
                (measured.recall[last], measured.precision[last]),
                xytext=(-4, -12),
                textcoords="offset points",
                ha="right",
                fontsize=8,
            )
    axes.set_xlabel("recall at IoU .5")
    axes.set_ylabel("precision")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    title = "11-point AP; dots: confidence of the best F1"
    if len(present) > MOST_CURVES:
        title += f"; the {MOST_CURVES} most frequent of {len(present)} classes"
    axes.legend(frameon=False, loc="lower left", title=title, title_fontsize=8, fontsize=9)
    return save_figure(figure, folder / "precision_recall")
