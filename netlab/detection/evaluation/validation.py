"""Detections in annotated images: for validation, for thresholds and for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from netlab.data.image_files import RGB
from netlab.detection.boxes import clip_boxes
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.readable import read_each
from netlab.detection.evaluation.average_precision import Truth, best_threshold, curve
from netlab.detection.model.detect import Detections
from netlab.detection.model.interface import Detector
from netlab.training.reporter import Reporter

EVALUATED_FROM = 0.01  # confidence from which detections count for AP


def truth_of(image: AnnotatedImage, class_names: Sequence[str]) -> Truth:
    """The true boxes of an image with labels in place of names."""
    return Truth(clip_boxes(image.boxes, *image.size), image.labels(class_names), image.difficult)


def detect_all(
    detector: Detector,
    images: Sequence[AnnotatedImage],
    device: torch.device,
    reporter: Reporter,
    *,
    seen: Callable[[AnnotatedImage, RGB, Detections], None] = lambda image, pixels, found: None,
) -> tuple[list[Detections], list[Truth]]:
    """Detections of any confidence that counts for AP in every image, and the truth."""
    find = detector.with_rule(confidence=EVALUATED_FROM).on(device)
    detections, truths = [], []
    reporter.phase("detecting", len(images))
    for image, pixels in read_each(images, reporter):
        found = find(pixels)
        seen(image, pixels, found)
        detections.append(found)
        truths.append(truth_of(image, detector.class_names))
    return detections, truths


def thresholds(
    detections: Sequence[Detections], truths: Sequence[Truth], class_names: Sequence[str]
) -> dict[int, float]:
    """The confidence of the best F1 of each class; .5 for a class that was never found."""
    found = {}
    for label in range(1, len(class_names) + 1):
        best = best_threshold(curve(detections, truths, label, 0.5)) if truths else None
        found[label] = 0.5 if best is None else best
    return found
