"""A trained detector: what it left, and what can be done with it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from netlab.api.detections import DetectionEvaluation, ImageDetections
from netlab.api.installed import installed
from netlab.api.plot import Plot
from netlab.api.saved_run import SavedRun
from netlab.api.table import Table
from netlab.errors import NetlabError, UsageError
from netlab.runs.config import read_tables
from netlab.runs.history import read_history

if TYPE_CHECKING:
    from netlab.detection.model.interface import Detector


class DetectorRun(SavedRun):
    """A run of ``netlab.train_detector`` or ``netlab detect train``.

    ``result`` has ap50, ap75, ap and voc2007 on the validation images, confidence, per_class and more.

    >>> detector = netlab.train_detector(
    ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
    ... )
    >>> detector.is_finished, detector.history["epoch"]
    (True, [1])
    """

    @property
    def config(self) -> Mapping[str, Any]:
        """Every value that was used, by table: detection, detector, proposer and extractor where it has them,
        training."""
        return MappingProxyType(read_tables(self._directory.config))

    @property
    def history(self) -> Table:
        """A row an epoch: epoch, train_loss, val_ap50, lr, seconds, and what the detector adds to that."""
        return Table(read_history(self._directory.history, ("epoch",)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that it finds."""
        return self._detector.class_names

    @cached_property
    def _detector(self) -> Detector:
        from netlab.data.cache import default_cache_folder
        from netlab.detection.model.model_file import load_detector as load

        return load(self.path, installed(), cache=default_cache_folder(), accept_changed=self._accept_changed)

    def predict(
        self,
        image: Any,
        *,
        confidence: float | None = None,
        iou: float | None = None,
        classes: Sequence[str] = (),
        max_detections: int | None = None,
        refinements: int | None = None,
        device: str = "auto",
    ) -> ImageDetections:
        """Find the objects in one image.

        Args:
            image: a path, a PIL image, an array uint8 (H, W) or (H, W, 3), or a tensor uint8 (C, H, W).
            confidence: least score; None: that of the best F1 of each class.
            iou: overlap above which the weaker box of a class is dropped.
            classes: only these.
            max_detections: most boxes of the image.
            refinements: how often boxes are described again where they were moved.
            device: auto, cpu, cuda or cuda:N.

        Raises:
            UsageError: it is not one image, or there is no such class.

        >>> detector = netlab.train_detector(
        ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
        ... )
        >>> found = detector.predict("scenes/JPEGImages/scene_0000.jpg", confidence=0, max_detections=3)
        >>> len(found), found.boxes.shape, found[0]["label"] in detector.class_names
        (3, (3, 4), True)
        """
        found = list(
            self.predict_each(
                image, confidence=confidence, iou=iou, classes=classes, max_detections=max_detections,
                refinements=refinements, device=device,
            )
        )  # fmt: skip
        if len(found) != 1:
            raise UsageError(f"these are {len(found)} images, not one: predict_each takes several")
        return found[0]

    def predict_each(
        self,
        images: Any,
        *,
        confidence: float | None = None,
        iou: float | None = None,
        classes: Sequence[str] = (),
        max_detections: int | None = None,
        refinements: int | None = None,
        every: int = 1,
        device: str = "auto",
    ) -> Iterator[ImageDetections]:
        """Find the objects in several images, one after another.

        Args:
            images: a path (file, folder, glob, video), an array uint8 (N, H, W, 3), a tensor uint8
                (N, C, H, W), or a list of images as ``predict`` takes them. Of several files, one that can
                not be read is warned of and left out.
            every: of videos, every n-th frame.

        The other arguments are those of ``predict``.

        >>> detector = netlab.train_detector(
        ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
        ... )
        >>> [found.pixels.shape for found in detector.predict_each("scenes/JPEGImages/scene_000[01].jpg")]
        [(160, 200, 3), (160, 200, 3)]
        """
        from netlab.data.given_images import given_images
        from netlab.detection.output.predictions import labels_of, only
        from netlab.training.device import choose_device

        detector = self._detector.with_rule(
            confidence=None if confidence is None else float(confidence), iou=iou,
            max_detections=max_detections, refinements=refinements,
        )  # fmt: skip
        names = [classes] if isinstance(classes, str) else list(classes)
        labels = labels_of(detector, names)
        find = detector.on(choose_device(device))
        for name, pixels in given_images(images, every=every):
            found = only(find(pixels), labels)
            yield ImageDetections(name, pixels, found, detector.class_names)

    def evaluate(
        self,
        data: str | Path,
        *,
        split: Literal["val", "train", "all"] = "val",
        voc_one_based: bool = False,
        iou: float | None = None,
        refinements: int | None = None,
        out: str | Path | None = None,
        device: str = "auto",
    ) -> DetectionEvaluation:
        """Measure the detector on annotated images; what makes the figures too good is warned of.

        Args:
            data: a folder in Pascal VOC layout, or of images and XML files.
            split: which images; val: those of ``ImageSets``, else those held out in training.
            voc_one_based: corners count from 1 and belong to the box.
            iou: overlap above which the weaker box of a class is dropped.
            refinements: how often boxes are described again where they were moved.
            out: the folder for curves and pictures of the worst mistakes; None: ``evaluation`` in the run.
            device: auto, cpu, cuda or cuda:N.

        Raises:
            UsageError: there is no such data, or it has none of the detector's classes.

        >>> detector = netlab.train_detector(
        ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
        ... )
        >>> found = detector.evaluate("scenes")
        >>> found.images, found.by_class["class"]
        (2, ['seven', 'three'])
        """
        from netlab.detection.evaluation.evaluate import evaluate_detector, images_to_evaluate
        from netlab.training.device import choose_device
        from netlab.training.reporter import Silent

        if split not in ("val", "train", "all"):
            raise UsageError(f"split must be val, train or all, not {split!r}")
        detector = self._detector.with_rule(iou=iou, refinements=refinements)
        images = images_to_evaluate(
            Path(data), detector.class_names, self.path, split, one_based=voc_one_based, warn=warn
        )
        folder = self.path / "evaluation" if out is None else Path(out)
        found = evaluate_detector(detector, images, folder, device=choose_device(device), reporter=Silent())
        return DetectionEvaluation(found.result, found.plots)

    def plot(self) -> Plot:
        """Losses and validation AP over the epochs.

        Raises:
            NetlabError: no epoch was finished.
        """
        from netlab.detection.evaluation.plots import training_figure

        rows = read_history(self._directory.history, ("epoch",))
        if not rows:
            raise NetlabError(f"detector '{self.name}' has finished no epoch")
        return Plot(training_figure(rows, title=self.name))

    def __repr__(self) -> str:
        return f"DetectorRun({self.name!r}: {self._state()})"

    def _repr_html_(self) -> str:
        config = self.config
        rows = {
            "detector": str(self.path),
            "state": self._state(),
            "classes": ", ".join(map(str, config["detection"]["classes"])),
            "made of": config["detector"]["name"],
        }
        if proposer := config.get("proposer"):
            rows["proposer"] = str(proposer["name"])
        if extractor := config.get("extractor"):
            rows["extractor"] = f"{extractor['name']}, weights {extractor['weights']}"
        cells = "".join(
            f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows.items()
        )
        return f"<table>{cells}</table>"

    def _state(self) -> str:
        if self.is_finished:
            ap50 = self.result["ap50"]
            return f"validation AP50 {'-' if ap50 is None else f'{ap50:.3f}'}"
        planned = self.config["training"].get("epochs")
        return f"unfinished, epoch {len(self.history)}{f' of {planned}' if planned else ''}"


def warn(line: str) -> None:
    """One line for the caller of a method above."""
    warnings.warn(line, stacklevel=4)


def load_detector(
    name: str | Path, *, detectors: str | Path = "detectors", accept_changed_parts: bool = False
) -> DetectorRun:
    """A detector by its name or path.

    Args:
        name: a name in ``detectors``, or a path.
        detectors: the folder where detectors are kept.
        accept_changed_parts: use it although the code of its parts has changed; that is warned of, and
            recorded beside it.

    Raises:
        UsageError: there is none (with the closest name).

    >>> detector = netlab.train_detector(
    ...     "scenes", weights="none", image_side=96, epochs=1, least_steps=2, name="first", quiet=True
    ... )
    >>> netlab.load_detector("first").class_names
    ('seven', 'three')
    """
    from netlab.detection.model.model_file import find_detector

    folder = find_detector(str(name), Path(detectors))
    return DetectorRun(folder, accept_changed_parts=accept_changed_parts)
