"""Files in, predictions out: what a trained network says of images and of the frames of videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.classification.classifier import Classifier
from netlab.data.image_files import RGB
from netlab.data.image_sources import read_sources
from netlab.files import csv_text, write_output


@dataclass(frozen=True, slots=True)
class Prediction:
    """An image and its likeliest classes: (name, probability), the likeliest first."""

    image: str
    top: tuple[tuple[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the image, its class and probability, and all of ``top``."""
        classes = [{"class": name, "probability": round(value, 6)} for name, value in self.top]
        return {"image": self.image, **classes[0], "top": classes}


def predict_files(
    classifier: Classifier,
    files: Sequence[Path],
    *,
    top: int = 1,
    every: int = 1,
    batch_size: int = 64,
    unread: Callable[[str], None],
) -> Iterator[Prediction]:
    """The ``top`` likeliest classes of every image and of every ``every``-th frame of videos, in order.

    ``unread`` is called with what is wrong with an image that can not be read; the rest goes on. Of classes
    that are equally likely the first comes first.
    """

    def usable() -> Iterator[tuple[str, RGB]]:
        for source in read_sources(files, every=every):
            if source.pixels is None:
                unread(source.error or str(source.path))
            else:
                frame = "" if source.frame is None else f", frame {source.frame}"
                yield f"{source.path}{frame}", source.pixels

    names = classifier.interface.class_names
    for image, probabilities in classifier.classify(usable(), batch_size=batch_size):
        order = probabilities.argsort(descending=True, stable=True)[:top].tolist()
        yield Prediction(image, tuple((names[label], float(probabilities[label])) for label in order))


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """A CSV file with a row an image and class: image, rank, class, probability."""
    table: list[dict[str, Any]] = [
        {"image": prediction.image, "rank": rank, "class": name, "probability": f"{value:.6f}"}
        for prediction in predictions
        for rank, (name, value) in enumerate(prediction.top, 1)
    ]
    write_output(path, csv_text(("image", "rank", "class", "probability"), table))
