"""Measures of detection: average precision as COCO and as VOC 2007 define it, and the whole curve.

COCO's AP is computed by faster-coco-eval. VOC 2007's 11-point AP and the precision-recall curve
are ours (Everingham et al., The Pascal Visual Object Classes Challenge, IJCV 2010, section 4.2).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.detection.boxes import iou_matrix
from netlab.detection.model.detect import Detections


@dataclass(frozen=True, slots=True)
class Truth:
    """The true boxes of an image: ``boxes`` float32 (n, 4), ``labels`` int64 (n,) from 1, and
    ``difficult`` bool (n,)."""

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    difficult: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall (n,) at each of n detections of one class, most confident first.

    ``scores`` float32 (n,) is the confidence of each, ``correct`` bool (n,) whether it found an object
    nobody had found, ``objects`` the number of objects that count.
    """

    scores: NDArray[np.float32]
    correct: NDArray[np.bool_]
    objects: int

    @property
    def precision(self) -> NDArray[np.float64]:
        return np.cumsum(self.correct) / np.arange(1, len(self.correct) + 1)

    @property
    def recall(self) -> NDArray[np.float64]:
        return np.cumsum(self.correct) / max(self.objects, 1)

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of precision and recall: 2 TP / (detections + objects)."""
        return 2 * np.cumsum(self.correct) / (np.arange(1, len(self.correct) + 1) + max(self.objects, 1))


def precision_and_recall(found: Curve, confidence: float) -> tuple[float, float]:
    """Precision and recall of the detections of at least ``confidence``; nan of nothing."""
    kept = int((found.scores >= np.float32(confidence)).sum())
    right = int(found.correct[:kept].sum())
    return (right / kept if kept else float("nan")), (
        right / found.objects if found.objects else float("nan")
    )


# What a detection found, where that is no true box: nothing, or a difficult object.
FALSE_ALARM, NOT_COUNTED = -1, -2


def match_detections(
    detections: Detections, truth: Truth, label: int, iou: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the detections of ``label``, best first: their indices, and what each found.

    As in VOC: a detection looks at the true box that it overlaps most (of equal ones the first). It is
    right if the overlap is at least ``iou`` and nobody better found that box; it does not count if that
    box is difficult; otherwise it is a false alarm.
    """
    chosen = np.flatnonzero(detections.labels == label)
    chosen = chosen[np.argsort(-detections.scores[chosen], kind="stable")]
    of_class = np.flatnonzero(truth.labels == label)
    found = np.full(len(chosen), FALSE_ALARM, np.int64)
    if len(of_class) == 0 or len(chosen) == 0:
        return chosen, found
    overlaps = iou_matrix(detections.boxes[chosen], truth.boxes[of_class])
    taken = np.zeros(len(of_class), bool)
    for row, best in enumerate(overlaps.argmax(axis=1)):
        if overlaps[row, best] < iou:
            continue
        if truth.difficult[of_class[best]]:
            found[row] = NOT_COUNTED
        elif not taken[best]:
            taken[best] = True
            found[row] = of_class[best]
    return chosen, found


def curve(detections: Sequence[Detections], truths: Sequence[Truth], label: int, iou: float) -> Curve:
    """Precision and recall over all images. Equal scores keep the order of the images."""
    scores, correct = [], []
    for image, truth in zip(detections, truths, strict=True):
        chosen, found = match_detections(image, truth, label, iou)
        counted = found != NOT_COUNTED
        scores.append(image.scores[chosen][counted])
        correct.append(found[counted] >= 0)
    objects = sum(int(((t.labels == label) & ~t.difficult).sum()) for t in truths)
    all_scores = np.concatenate([*scores, np.empty(0, np.float32)])
    order = np.argsort(-all_scores, kind="stable")
    return Curve(all_scores[order], np.concatenate([*correct, np.empty(0, bool)])[order], objects)


def voc2007_ap(found: Curve) -> float:
    """The mean over recalls 0, .1, ..., 1 of the best precision at that recall or above."""
    precision, recall = found.precision, found.recall
    # Recall is a whole number over a whole number: comparing without a margin would lose a point to rounding.
    best = [precision[recall >= level / 10 - 1e-12].max(initial=0.0) for level in range(11)]
    return float(np.mean(best))


def best_threshold(found: Curve) -> float | None:
    """The score at which F1 is largest, half-way to the next lower one; None if no detection is right."""
    if not found.correct.any():
        return None
    f1 = found.f1
    # Between equal scores no threshold can cut.
    cuts = np.append(found.scores[1:] < found.scores[:-1], True)
    best = int(np.where(cuts, f1, -1.0).argmax())
    below = found.scores[best + 1] if best + 1 < len(found.scores) else 0.0
    return float((found.scores[best] + below) / 2)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """AP at IoU .5, at .75 and over .5:.05:.95 (COCO, 101 points), the VOC 2007 AP at .5, and counts."""

    ap50: float
    ap75: float
    ap: float
    voc2007: float
    objects: int
    detections: int


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """Means over the classes that occur, and each class by name (nan where it does not occur)."""

    ap50: float
    ap75: float
    ap: float
    voc2007: float
    per_class: Mapping[str, ClassResult]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: nan becomes None."""
        rows = {
            name: {
                key: _json(getattr(row, key))
                for key in ("ap50", "ap75", "ap", "voc2007", "objects", "detections")
            }
            for name, row in self.per_class.items()
        }
        means = {key: _json(getattr(self, key)) for key in ("ap50", "ap75", "ap", "voc2007")}
        return {**means, "per_class": rows}


def detection_result(
    detections: Sequence[Detections], truths: Sequence[Truth], class_names: Sequence[str]
) -> DetectionResult:
    """Measure detections of all images; difficult objects count neither way."""
    coco = coco_ap(detections, truths, len(class_names))
    per_class = {}
    for label, name in enumerate(class_names, start=1):
        found = curve(detections, truths, label, 0.5)
        ap50, ap75, ap = coco[label - 1]
        voc = voc2007_ap(found) if found.objects else float("nan")
        count = sum(int((image.labels == label).sum()) for image in detections)
        per_class[name] = ClassResult(ap50, ap75, ap, voc, found.objects, count)
    present = [row for row in per_class.values() if row.objects]

    def mean(key: str) -> float:
        return float(np.mean([getattr(row, key) for row in present])) if present else float("nan")

    return DetectionResult(mean("ap50"), mean("ap75"), mean("ap"), mean("voc2007"), per_class)


def coco_ap(
    detections: Sequence[Detections], truths: Sequence[Truth], classes: int
) -> list[tuple[float, float, float]]:
    """(AP at .5, AP at .75, AP) of each class, nan where it does not occur.

    Difficult objects go in as crowds, which COCO ignores in the same way.
    """
    objects = sum(int((~truth.difficult).sum()) for truth in truths)
    found = sum(len(image) for image in detections)
    if not objects:
        return [(float("nan"),) * 3] * classes
    if not found:
        present = {int(label) for truth in truths for label in truth.labels[~truth.difficult]}
        return [(0.0 if label in present else float("nan"),) * 3 for label in range(1, classes + 1)]
    from faster_coco_eval import COCO, COCOeval_faster

    with contextlib.redirect_stdout(io.StringIO()):
        truth_set = COCO(coco_truth(truths, [str(label) for label in range(1, classes + 1)]))
        evaluation = COCOeval_faster(truth_set, truth_set.loadRes(coco_detections(detections)), "bbox")
        evaluation.params.maxDets = [1, 10, max(100, *(len(image) for image in detections))]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # (IoU, recall, class)
    results = []
    for label in range(classes):
        of_class = precision[:, :, label]
        if (of_class < 0).all():
            results.append((float("nan"),) * 3)
        else:
            results.append((float(of_class[0].mean()), float(of_class[5].mean()), float(of_class.mean())))
    return results


def coco_truth(
    truths: Sequence[Truth],
    class_names: Sequence[str],
    files: Sequence[str] | None = None,
    sizes: Sequence[tuple[int, int]] | None = None,
) -> dict[str, Any]:
    """True boxes as a COCO data set. Images are numbered from 1, classes as their labels."""
    annotations: list[dict[str, Any]] = []
    for image, truth in enumerate(truths, start=1):
        for box, label, difficult in zip(
            truth.boxes.tolist(), truth.labels.tolist(), truth.difficult, strict=True
        ):
            x1, y1, x2, y2 = box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": label,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": int(difficult),
                    "ignore": int(difficult),
                }
            )
    images = [
        {
            "id": i + 1,
            "file_name": files[i] if files else str(i + 1),
            "width": sizes[i][0] if sizes else 0,
            "height": sizes[i][1] if sizes else 0,
        }
        for i in range(len(truths))
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(class_names, start=1)]
    return {
        "info": {},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def coco_detections(detections: Sequence[Detections]) -> list[dict[str, Any]]:
    """Detections in COCO's results format, images numbered from 1."""
    return [
        {"image_id": image, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for image, found in enumerate(detections, start=1)
        for (x1, y1, x2, y2), score, label in zip(
            found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def _json(value: float) -> float | None:
    return None if value != value else value
