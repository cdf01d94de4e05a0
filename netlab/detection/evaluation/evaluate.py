"""A detector measured on a data set: which images, its figures, and the files that show them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.split_file import file_digest
from netlab.detection.data.voc import keep_classes, read_voc
from netlab.detection.evaluation.average_precision import (
    DetectionResult,
    curve,
    detection_result,
    precision_and_recall,
)
from netlab.detection.evaluation.bootstrap import Interval, intervals
from netlab.detection.evaluation.curve_table import write_curves
from netlab.detection.evaluation.mistakes import MistakeGallery
from netlab.detection.evaluation.plots import plot_precision_recall
from netlab.detection.evaluation.validation import detect_all, thresholds
from netlab.detection.model.interface import Detector
from netlab.errors import UsageError
from netlab.runs.directory import read_json_object
from netlab.training.reporter import Reporter

EvaluationSplit = Literal["val", "train", "all"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``result`` holds the figures (``average_precision.Result.as_dict``) with, per class, confidence,
    precision and recall at it, and the number of images; ``plots`` are the files that were written."""

    result: dict[str, Any]
    plots: list[Path]


@dataclass(frozen=True, slots=True)
class Validation:
    """How good a new detector is on its validation images, how far that may vary with the images, and the
    confidence of the best F1 by label."""

    result: DetectionResult
    intervals: dict[str, Interval] | None
    confidence: dict[int, float]


def validate(
    detector: Detector,
    images: Sequence[AnnotatedImage],
    folder: Path,
    *,
    device: torch.device,
    reporter: Reporter,
) -> Validation:
    """Choose the confidence of each class; the curves go to ``folder``. Without images it is .5 for all."""
    names = detector.class_names
    detections, truths = detect_all(detector, images, device, reporter)
    if truths:
        plot_precision_recall(detections, truths, names, folder)
        write_curves(detections, truths, names, folder)
    else:
        reporter.warn("there are no validation images: the confidence threshold stays at .5")
    return Validation(
        detection_result(detections, truths, names),
        intervals(detections, truths, len(names)),
        thresholds(detections, truths, names),
    )


def evaluate_detector(
    detector: Detector,
    images: Sequence[AnnotatedImage],
    out: Path,
    *,
    device: torch.device,
    reporter: Reporter,
) -> Evaluation:
    """AP at IoU .5, .75 and .5:.95 (COCO) and the VOC 2007 AP, per class, with intervals of the means; curves
    and pictures of the worst mistakes go to the folder ``out``.

    Raises:
        UsageError: no image can be read.
    """
    gallery = MistakeGallery(detector.class_names, detector.rule)
    detections, truths = detect_all(detector, images, device, reporter, seen=gallery.add)
    if not truths:
        raise UsageError("no image of the data set can be read")
    result = detection_result(detections, truths, detector.class_names).as_dict() | {
        "images": len(truths),
        "intervals": intervals(detections, truths, len(detector.class_names)),
    }
    for label, name in enumerate(detector.class_names, start=1):
        confidence = detector.rule.least(label)
        precision, recall = precision_and_recall(curve(detections, truths, label, 0.5), confidence)
        result["per_class"][name] |= {
            "confidence": confidence,
            "precision": None if math.isnan(precision) else precision,
            "recall": None if math.isnan(recall) else recall,
        }
    out.mkdir(parents=True, exist_ok=True)
    plots = plot_precision_recall(detections, truths, detector.class_names, out)
    plots += gallery.save(out)
    write_curves(detections, truths, detector.class_names, out)
    return Evaluation(result, plots)


def images_to_evaluate(
    voc_dir: Path,
    class_names: Sequence[str],
    folder: Path,
    split: EvaluationSplit,
    *,
    one_based: bool,
    warn: Callable[[str], None],
) -> list[AnnotatedImage]:
    """The images to measure the detector in ``folder`` on; ``warn`` is told where some were trained on.

    Without ImageSets, ``val`` means the images that were held out when the model was trained on this
    data, and all images of any other folder.

    Raises:
        UsageError: the data has none of the model's classes, or no image in the split.
    """
    data = read_voc(voc_dir, one_based=one_based)
    data = keep_classes(data, _known_classes(voc_dir, data.class_names, class_names, warn))
    for line in data.problems.lines():
        warn(line)
    record: Mapping[str, Any] = {}
    if (folder / "split.json").is_file():
        record = read_json_object(folder / "split.json", "")
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
    chose = set(record.get("val", {}).values())
    again = sum(file_digest(image.path) in chose for image in images) if chose else 0
    if again:
        warn(
            f"{again} of {len(images)} images chose the detector's confidence in training:"
            " precision and recall at it are too good"
        )
    return images


def _known_classes(
    voc_dir: Path, names: Sequence[str], model_names: Sequence[str], warn: Callable[[str], None]
) -> list[str]:
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
