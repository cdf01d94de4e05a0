"""The detectors of a report: their figures, precision-recall curves and pictures."""

from __future__ import annotations

import base64
import io
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from netlab.detection.evaluation.curve_table import NAME as CURVES
from netlab.detection.evaluation.curve_table import read_curves
from netlab.report.charts import Chart, View, axis, dash, rounded
from netlab.report.colours import series_colour
from netlab.runs.directory import RunDirectory
from netlab.runs.history import read_history
from netlab.runs.record import Attempts, Record

Read = TypeVar("Read")

WITH_PICTURES = 8  # detectors at most: the page must stay small
WIDTH = 1280  # pixels of a picture
POINTS = 200  # of a curve
DETECTOR_COLUMNS = ("epoch", "train_loss", "val_ap50")
PICTURES = {
    "misses": "The worst misses, worst first: the missed object in orange, the most confident detection of"
    " its class in yellow.",
    "false_alarms": "The most confident false alarms: the mistake in yellow, true boxes in green.",
}


@dataclass(frozen=True, slots=True)
class DetectorPicture:
    """A picture as a data URI, with what it shows in words."""

    uri: str
    alt: str


@dataclass(frozen=True, slots=True)
class DetectorRecord(Record):
    """What the training of a detector left.

    ``curves`` hold (confidence, recall, precision) by class, on the images that ``measured_on`` names.
    """

    curves: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)


def read_detector(directory: RunDirectory) -> DetectorRecord:
    """Read all files of a detector; what is damaged is named and left out."""
    attempt = Attempts()
    result: dict[str, Any] = attempt(directory.read_result, {}) if directory.is_finished else {}
    if result and not all(isinstance(result.get(key), int | float | None) for key in ("ap50", "ap75", "ap")):
        attempt.problems.append(f"{directory.result} is damaged: its figures are no numbers")
        result = {}
    return DetectorRecord(
        directory=directory,
        config=tomllib.loads(directory.config.read_text(encoding="utf-8")),
        environment=attempt(directory.read_environment, {}) if directory.environment.exists() else {},
        history=attempt(lambda: read_history(directory.history, DETECTOR_COLUMNS), [])
        if directory.history.exists()
        else [],
        result=result,
        curves=attempt(lambda: read_curves(curve_file(directory)), {}),
        problems=tuple(attempt.problems),
    )


def curve_file(directory: RunDirectory) -> Path:
    """The curves of the last evaluation, else those of the end of the training."""
    evaluated = directory.path / "evaluation" / CURVES
    return evaluated if evaluated.is_file() else directory.plots / CURVES


def detector_rows(detectors: Sequence[DetectorRecord]) -> list[list[str]]:
    """A row a detector: name, state, images, parts, AP at .5, .75, .5:.95, VOC 2007."""

    def share(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, int | float) else "-"

    return [
        [
            detector.name,
            "finished" if detector.finished else "unfinished",
            parts_text(detector.config),
            str(detector.result.get("training_images", "-")),
            str(detector.result.get("validation_images", "-")),
            *(share(detector.result.get(key)) for key in ("ap50", "ap75", "ap", "voc2007")),
        ]
        for detector in detectors
    ]


def parts_text(config: Mapping[str, Any]) -> str:
    """The names of the parts that a detector is made of: ``detector, proposer, extractor``."""
    tables = (config.get(table) for table in ("detector", "proposer", "extractor"))
    return ", ".join(str(table.get("name", "-")) for table in tables if isinstance(table, dict)) or "-"


def class_rows(detector: DetectorRecord) -> list[list[str]]:
    """A row a class: AP at .5, .75, .5:.95, VOC 2007, objects, detections, threshold."""
    per_class = detector.result.get("per_class")
    thresholds = detector.result.get("confidence")
    if not isinstance(per_class, dict):
        return []
    thresholds = thresholds if isinstance(thresholds, dict) else {}

    def cell(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "-"
        return str(value) if isinstance(value, int) else f"{value:.3f}"

    keys = ("ap50", "ap75", "ap", "voc2007", "objects", "detections")
    return [
        [name, *(cell(row.get(key)) for key in keys), cell(thresholds.get(name))]
        for name, row in per_class.items()
        if isinstance(row, dict)
    ]


def precision_recall_chart(detectors: Sequence[DetectorRecord]) -> Chart | None:
    """Precision over recall at IoU .5, a line a class, a view a detector."""
    views = []
    for detector in detectors:
        traces = []
        for position, (name, points) in enumerate(detector.curves.items()):
            shown = thinned(points)
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers" if len(shown) < 30 else "lines",
                    "name": name,
                    "x": [rounded(recall) for _, recall, _ in shown],
                    "y": [rounded(precision) for _, _, precision in shown],
                    "text": [f"confidence {confidence:.3f}" for confidence, _, _ in shown],
                    "line": {"color": series_colour(position), "dash": dash(position), "width": 2},
                    "hovertemplate": "%{fullData.name}<br>recall %{x:.2f}, precision %{y:.2f}"
                    "<br>%{text}<extra></extra>",
                }
            )
        if traces:
            layout = {
                "xaxis": axis("recall at IoU .5", range=[0, 1.01]),
                "yaxis": axis("precision", range=[0, 1.02]),
                "height": 420,
                "showlegend": True,
            }
            views.append(View(detector.name, {"data": traces, "layout": layout}))
    if not views:
        return None
    return Chart(
        "precision-recall",
        "Precision and recall",
        "Precision over recall at IoU .5 on the images that were measured last, a line a class.",
        views,
    )


def thinned(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """At most ``POINTS`` of them, the first and the last among them."""
    if len(points) <= POINTS:
        return list(points)
    step = (len(points) - 1) / (POINTS - 1)
    return [points[round(k * step)] for k in range(POINTS)]


def training_chart(detectors: Sequence[DetectorRecord]) -> Chart | None:
    """AP at IoU .5 and losses over the epochs, a line a detector."""
    titles = {
        "val_ap50": "validation AP at IoU .5 (of regions: before refinement)",
        "train_loss": "training loss (of regions: of the classes)",
        "train_box_loss": "training loss of the boxes",
    }
    views = []
    for key, title in titles.items():
        traces = []
        for position, detector in enumerate(detectors):
            points = [
                (row["epoch"], row[key])
                for row in detector.history
                if key in row and not math.isnan(row[key])  # not every epoch is measured
            ]
            if points:
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "lines+markers" if len(points) < 3 else "lines",
                        "name": detector.name,
                        "x": [epoch for epoch, _ in points],
                        "y": [rounded(value) for _, value in points],
                        "line": {"color": series_colour(position), "dash": dash(position), "width": 2},
                        "hovertemplate": "%{fullData.name}<br>epoch %{x}: %{y:.4f}<extra></extra>",
                    }
                )
        if traces:
            layout = {"xaxis": axis("epoch"), "yaxis": axis(title), "height": 380, "showlegend": True}
            views.append(View(title, {"data": traces, "layout": layout}))
    if not views:
        return None
    return Chart(
        "detector-training", "Training of the detectors", "A line a detector, over its epochs.", views
    )


def pictures_of(detectors: Sequence[DetectorRecord]) -> dict[str, list[DetectorPicture]]:
    """The pictures of mistakes by detector, of the first few that have any."""
    found: dict[str, list[DetectorPicture]] = {}
    for detector in detectors:
        folder = detector.directory.path / "evaluation"
        shown = [
            DetectorPicture(uri, alt)
            for name, alt in PICTURES.items()
            if (uri := smaller_picture(folder / f"{name}.png")) is not None
        ]
        if shown and len(found) < WITH_PICTURES:
            found[detector.name] = shown
    return found


def smaller_picture(path: Path) -> str | None:
    """A picture as a data URI, as JPEG and no wider than ``WIDTH``; None when it can not be read."""
    from PIL import Image

    if not path.is_file():
        return None
    try:
        with Image.open(path) as image:
            pixels = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    pixels.thumbnail((WIDTH, 4 * WIDTH))
    content = io.BytesIO()
    pixels.save(content, "jpeg", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
