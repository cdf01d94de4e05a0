"""How far a classifier's answers can be relied on: figures by class, their intervals, and calibration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netlab.classification.class_figures import ClassFigures
from netlab.classification.labelled import Labelled, images_of_folder, images_of_other_data
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from netlab.classification.classifier import Classifier
    from netlab.engine.catalog import Catalog
    from netlab.runs.directory import RunDirectory

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution
BINS = 15  # of confidence, as in Guo et al. 2017
TOP = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Assessment:
    """``probabilities`` float64 (N, K), rows adding up to 1, and the true classes ``labels`` int64 (N,).

    Where they are means over several views, ``single_view_accuracy`` is that of the images alone.
    """

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    single_view_accuracy: float | None = None

    @property
    def figures(self) -> ClassFigures:
        """Confusion, precision, recall and F1 of the likeliest classes."""
        classes = len(self.class_names)
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (self.labels, self.probabilities.argmax(1)), 1)
        return ClassFigures(confusion)

    def top_accuracy(self, count: int) -> float:
        """The share of images whose class is among the ``count`` likeliest; of equal ones the first count."""
        likeliest = (-self.probabilities).argsort(axis=1, kind="stable")[:, :count]
        return float((likeliest == self.labels[:, None]).any(axis=1).mean())

    def reliability(self) -> list[dict[str, float]]:
        """By equally wide bins of the likeliest class's probability: its mean, the share right, and images.

        Bins without images are left out.
        """
        confidence = self.probabilities.max(1)
        right = self.probabilities.argmax(1) == self.labels
        place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        return [
            {
                "confidence": float(confidence[place == bin_].mean()),
                "accuracy": float(right[place == bin_].mean()),
                "images": int((place == bin_).sum()),
            }
            for bin_ in range(BINS)
            if (place == bin_).any()
        ]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: the mean distance of confidence and accuracy in the bins, weighted by
        their images. Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017."""
        return sum(
            abs(row["confidence"] - row["accuracy"]) * row["images"] for row in self.reliability()
        ) / len(self.labels)

    def as_dict(self) -> dict[str, Any]:
        """All figures, for JSON; None where there is nothing to divide by."""
        figures, count = self.figures, len(self.labels)
        right, confusion = figures.right, figures.confusion
        columns = zip(
            self.class_names, figures.precision, figures.recall, figures.f1, right,
            confusion.sum(axis=0), figures.images, strict=True,
        )  # fmt: skip
        return {
            "accuracy": figures.accuracy,
            "accuracy_single_view": self.single_view_accuracy,
            "accuracy_interval": wilson(int(right.sum()), count),
            "balanced_accuracy": figures.balanced_accuracy,
            "images": count,
            "top": {str(top): self.top_accuracy(top) for top in TOP if top < len(self.class_names)},
            "calibration_error": self.calibration_error,
            "reliability": self.reliability(),
            "classes": {
                name: {
                    "precision": number(precision),
                    "precision_interval": wilson(int(hits), int(predicted)),
                    "recall": number(recall),
                    "recall_interval": wilson(int(hits), int(true)),
                    "f1": number(f1),
                    "images": int(true),
                }
                for name, precision, recall, f1, hits, predicted, true in columns
            },
            "confusion": confusion.tolist(),
        }


def number(value: float) -> float | None:
    """A number, or None for nan, which JSON has not."""
    return None if math.isnan(value) else float(value)


def wilson(hits: int, count: int) -> tuple[float, float] | None:
    """The 95 % score interval of a share; None of nothing. Source: Wilson 1927."""
    if count == 0:
        return None
    share, spread = hits / count, Z**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def assess(classifier: Classifier, labelled: Labelled, *, batch_size: int = 64) -> Assessment:
    """Classify labelled images.

    Raises:
        NetlabError: there is none that can be read.
    """
    labels: list[int] = []
    rows: list[NDArray[np.float64]] = []
    alone = classifier.without_views()
    labelled, again = itertools.tee(labelled)  # a batch apart at most
    singles = alone.classify(again, batch_size=batch_size) if alone is not classifier else None
    right = 0
    for label, probabilities in classifier.classify(labelled, batch_size=batch_size):
        labels.append(label)
        rows.append(probabilities.double().numpy())
        if singles is not None:
            right += int(next(singles)[1].argmax()) == label
    if not rows:
        raise NetlabError("there is no image to evaluate on")
    single = None if singles is None else right / len(labels)
    return Assessment(np.stack(rows), np.array(labels, np.int64), classifier.interface.class_names, single)


def labelled_images(
    source: Path | None, run: RunDirectory, catalog: Catalog, class_names: Sequence[str]
) -> Labelled:
    """The images of a folder with a subfolder a class; without one, the test images of the run's own data.

    Raises:
        UsageError: there is no such folder, or it has a class that the run does not know.
        NetlabError: the run's data has changed since it was trained.
    """
    if source is not None:
        return images_of_folder(source, class_names)
    from netlab.classification.restore import load_run

    loaded = load_run(run, catalog)
    return images_of_other_data(loaded.splits.test, loaded.data.class_names, class_names)
