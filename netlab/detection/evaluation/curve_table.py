"""Precision and recall as a table: what a plot of them shows, for other programs and for the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.errors import NetlabError
from netlab.files import write_text

if TYPE_CHECKING:
    from netlab.detection.evaluation.average_precision import Truth
    from netlab.detection.model.detect import Detections

NAME = "precision_recall.csv"
COLUMNS = ("class", "objects", "confidence", "recall", "precision")


def write_curves(
    detections: Sequence[Detections], truths: Sequence[Truth], class_names: Sequence[str], folder: Path
) -> Path:
    """Write ``precision_recall.csv``: for every class that has objects, a row whenever one more is found at
    IoU .5, the most confident detections first."""
    from netlab.detection.evaluation.average_precision import curve  # a report that reads needs no PyTorch

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for label, name in enumerate(class_names, start=1):
        found = curve(detections, truths, label, 0.5)
        rows = zip(found.scores, found.recall, found.precision, found.correct, strict=True)
        for score, recall, precision, correct in rows:
            if correct:
                writer.writerow([name, found.objects, f"{score:.6g}", f"{recall:.6g}", f"{precision:.6g}"])
    path = folder / NAME
    write_text(path, text.getvalue())
    return path


def read_curves(path: Path) -> dict[str, list[tuple[float, float, float]]]:
    """(confidence, recall, precision) of every row, by class; empty if there is no file.

    Raises:
        NetlabError: the file is damaged.
    """
    if not path.is_file():
        return {}
    curves: dict[str, list[tuple[float, float, float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                point = float(row["confidence"]), float(row["recall"]), float(row["precision"])
                curves.setdefault(row["class"], []).append(point)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None
    return curves
