"""Files in, predictions out: what a trained network says of images and of the frames of videos."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from netlab.classification.classifier import Classifier
from netlab.data.image_sources import SourceImage, find_files, read_sources
from netlab.data.views import Views
from netlab.errors import UsageError
from netlab.files import csv_text, json_text, make_folder, write_atomically, write_output


@dataclass(frozen=True, slots=True)
class Prediction:
    """An image, its file, and its likeliest classes: (name, probability), the likeliest first; of a video,
    the number of the ``frame``."""

    path: Path
    top: tuple[tuple[str, float], ...]
    frame: int | None = None

    @property
    def image(self) -> str:
        """What the image is called: its path, of a frame with the number."""
        return str(self.path) if self.frame is None else f"{self.path}, frame {self.frame}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the image, its class and probability, and all of ``top``."""
        classes = [{"class": name, "probability": round(value, 6)} for name, value in self.top]
        return {"image": self.image, **classes[0], "top": classes}


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """What is to be classified, and where the answers go.

    ``sources`` are images, videos (of which every ``every``-th frame is taken), folders and globs; ``top`` of
    the classes are told. ``out`` is a file that ends in .csv or .json; copies of the images go into a folder
    a class in ``sort_into``. With ``mirror`` an image and its mirror image are averaged.
    """

    sources: Sequence[str]
    top: int = 1
    every: int = 1
    batch_size: int = 64
    mirror: bool = False
    out: Path | None = None
    sort_into: Path | None = None


@dataclass(frozen=True, slots=True)
class Predicted:
    """All predictions, what is wrong with each image that could not be used, and how many were copied."""

    predictions: list[Prediction] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    copied: int = 0


def predict(
    classifier: Classifier,
    request: PredictionRequest,
    *,
    each: Callable[[Prediction], None] = lambda prediction: None,
    report_unread: Callable[[str], None] = lambda problem: None,
) -> Predicted:
    """Classify what is asked for, and write the answers; ``each`` is called with every prediction at once.

    An image that is missing or can not be read is left out and told to ``report_unread``.

    Raises:
        UsageError: no source names an image, or an answer can not be written so.
        OSError: an answer can not be written.
    """
    check_places(request)
    unread: list[str] = []

    def report(problem: str) -> None:
        unread.append(problem)
        report_unread(problem)

    files = find_files(request.sources, report=report)
    if request.mirror:
        shift = classifier.interface.views.shift
        classifier = replace(classifier, interface=replace(classifier.interface, views=Views(True, shift)))
    predictions = []
    for prediction in predict_files(classifier, files, request, report):
        each(prediction)
        predictions.append(prediction)
    if request.out is not None:
        write_predictions(request.out, predictions)
    copied = 0 if request.sort_into is None else sort_into(request.sort_into, predictions)
    return Predicted(predictions, unread, copied)


def check_places(request: PredictionRequest) -> None:
    """
    Raises:
        UsageError: ``out`` is of no known format or in no folder, or ``sort_into`` is a file.
    """
    if request.out is not None:
        if request.out.suffix.lower() not in (".csv", ".json"):
            raise UsageError(f"--out {request.out}: predictions are written as .csv or .json")
        if not request.out.parent.is_dir():
            raise UsageError(f"--out {request.out}: there is no folder {request.out.parent}")
    if request.sort_into is not None and request.sort_into.exists() and not request.sort_into.is_dir():
        raise UsageError(f"--sort-into {request.sort_into} is a file; expected a folder")


def predict_files(
    classifier: Classifier, files: Sequence[Path], request: PredictionRequest, report: Callable[[str], None]
) -> Iterator[Prediction]:
    """The likeliest classes of every image, in order; of equally likely ones the first is first."""

    def usable() -> Iterator[tuple[SourceImage, Any]]:
        for source in read_sources(files, every=request.every):
            if source.pixels is None:
                report(source.error or str(source.path))
            else:
                yield replace(source, pixels=None), source.pixels

    names = classifier.interface.class_names
    for source, probabilities in classifier.classify(usable(), batch_size=request.batch_size):
        order = probabilities.argsort(descending=True, stable=True)[: request.top].tolist()
        top = tuple((names[label], float(probabilities[label])) for label in order)
        yield Prediction(source.path, top, source.frame)


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """A list as JSON, or a CSV row an image and class: image, rank, class, probability."""
    if path.suffix.lower() == ".json":
        write_output(path, json_text([prediction.as_dict() for prediction in predictions]))
        return
    table: list[dict[str, Any]] = [
        {"image": prediction.image, "rank": rank, "class": name, "probability": f"{value:.6f}"}
        for prediction in predictions
        for rank, (name, value) in enumerate(prediction.top, 1)
    ]
    write_output(path, csv_text(("image", "rank", "class", "probability"), table))


def sort_into(folder: Path, predictions: Iterable[Prediction]) -> int:
    """Copy each image into ``folder/CLASS/``, of a video nothing: how many copies are there now.

    Where another image has the name already, the copy gets a number; the same image is not copied twice.

    Raises:
        UsageError: a class is called as no folder can be.
    """
    copied = 0
    for prediction in predictions:
        if prediction.frame is not None:
            continue
        name = prediction.top[0][0]
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise UsageError(f"--sort-into: no folder can be called as the class {name!r}")
        place = folder / name
        make_folder(place)
        copy_apart(prediction.path, place)
        copied += 1
    return copied


def copy_apart(path: Path, folder: Path) -> None:
    """Copy a file into a folder, under a name of its own."""
    target, number = folder / path.name, 2
    while target.exists():
        if filecmp.cmp(path, target, shallow=False):
            return
        target, number = folder / f"{path.stem}_{number}{path.suffix}", number + 1
    with path.open("rb") as content:
        write_atomically(target, lambda file: shutil.copyfileobj(content, file))
