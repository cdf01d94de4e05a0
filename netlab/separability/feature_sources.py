"""Where features come from: a run, any network, pixels or files, as sets of points ready to be measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.classification.restore import LoadedRun
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages
from netlab.neighbours.tiles import class_minima
from netlab.separability.arrays import load_array, load_model
from netlab.separability.bound_metric import BoundMetric
from netlab.separability.layer_report import LayerReport
from netlab.separability.layers import Preprocess
from netlab.separability.measuring import (
    ImageSet,
    MeasurementPlan,
    measure_arrays,
    measure_layers,
    plan_measurement,
)
from netlab.separability.settings import MeasurementSettings
from netlab.separability.space.labels import label_values
from netlab.separability.space.neighbours import ClassMinima

Int = NDArray[np.int64]
HEAD = "flatten"  # by the contract of backbones, the head begins with the layer of this name


class FeatureSource(Protocol):
    """Something to measure. ``origins`` gives by split the original indices and labels of the points;
    ``record`` what must be equal for two measurements to be comparable; ``folder`` is the run's that its
    table belongs to, None where it is of no run."""

    title: str
    folder: Path | None
    origins: dict[str, tuple[Sequence[int] | Int, Sequence[str]]]

    def record(self) -> dict[str, Any]: ...

    def plan(self, metrics: Sequence[BoundMetric]) -> MeasurementPlan | None: ...

    def reports(self, metrics: Sequence[BoundMetric], progress: Any) -> Iterator[LayerReport]: ...


def stratified_sample(labels: Any, fraction: float, seed: int) -> Int:
    """A stratified share of the points: ``round(fraction * n_k)`` of every class, at least one; ascending."""
    codes = np.unique(np.asarray(labels), return_inverse=True)[1].reshape(-1)
    if fraction >= 1:
        return np.arange(len(codes))
    generator = np.random.default_rng(seed)
    chosen = []
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        count = max(1, round(fraction * len(members)))
        chosen.append(generator.choice(members, count, replace=False))
    return np.sort(np.concatenate(chosen))


def _image_sets(
    parts: Iterable[tuple[str, LabelledImages]], names: Sequence[str], settings: MeasurementSettings
) -> tuple[list[ImageSet], dict[str, Any]]:
    sets, points = [], {}
    for split, part in parts:
        indices = stratified_sample(part.labels, settings.fraction, settings.seed)
        index = torch.from_numpy(indices)
        labels = part.labels[index].numpy()
        sets.append(ImageSet(split, part.images[index], labels))
        points[split] = (indices, [names[label] for label in labels])
    return sets, points


def _needed(metrics: Sequence[BoundMetric], settings: MeasurementSettings) -> list[str]:
    """The splits to look at: the training points also where only their numbers are needed."""
    across = any("reference" in metric.tags for metric in metrics)
    if settings.split == "train":
        if across:
            name = next(metric.name for metric in metrics if "reference" in metric.tags)
            raise UsageError(f"metric '{name}' measures test points: use --split test or both")
        return ["train"]
    return (
        ["test"] if settings.split == "test" and not (across or settings.standardize) else ["train", "test"]
    )


class NetworkLayers:
    """The layers of a network on the images of a data set.

    ``weights`` identifies the weights: measurements join those of the same weights only.
    """

    folder: Path | None = None

    def __init__(
        self,
        title: str,
        model: nn.Module,
        parts: dict[str, LabelledImages],
        class_names: Sequence[str],
        settings: MeasurementSettings,
        *,
        preprocess: Preprocess | None,
        layers: Sequence[str] = (),
        depth: int | None = None,
        head: str | None = None,
        weights: str | None = None,
    ) -> None:
        self.title, self.model, self.parts = title, model, parts
        self.weights = weights
        self.class_names, self.settings = list(class_names), settings
        self.preprocess, self.layers, self.depth, self.head = preprocess, layers, depth, head
        self.sets: list[ImageSet] = []
        self.origins: dict[str, Any] = {}
        self._plan: MeasurementPlan | None = None

    def record(self) -> dict[str, Any]:
        return {**self.settings.record(self.title), "weights": self.weights}

    def plan(self, metrics: Sequence[BoundMetric]) -> MeasurementPlan:
        if self._plan is None:
            splits = _needed(metrics, self.settings)
            self.sets, self.origins = _image_sets(
                ((split, self.parts[split]) for split in splits), self.class_names, self.settings
            )
            self._plan = plan_measurement(
                self.model, self.sets, metrics, preprocess=self.preprocess, layers=self.layers,
                depth=self.depth, head=self.head, memory=self.settings.memory,
            )  # fmt: skip
        return self._plan

    def reports(self, metrics: Sequence[BoundMetric], progress: Any = None) -> Iterator[LayerReport]:
        s = self.settings
        plan = self.plan(metrics)
        for report in measure_layers(
            self.model, self.sets, metrics, plan, s, preprocess=self.preprocess,
            class_names=self.class_names, progress=progress,
        ):  # fmt: skip
            if s.split in ("both", report.split):
                yield report


class ImagePixels:
    """A data set's own pixels, as one layer."""

    folder: Path | None = None

    def __init__(self, title: str, data: ImageData, settings: MeasurementSettings) -> None:
        self.title, self.data, self.settings = title, data, settings
        self.origins: dict[str, Any] = {}

    def record(self) -> dict[str, Any]:
        return self.settings.record(self.title)

    def plan(self, metrics: Sequence[BoundMetric]) -> None:
        return None

    def reports(self, metrics: Sequence[BoundMetric], progress: Any = None) -> Iterator[LayerReport]:
        s, names = self.settings, self.data.class_names
        parts = {"train": self.data.train, "test": self.data.test}
        splits = _needed(metrics, s)
        sets, self.origins = _image_sets(((split, parts[split]) for split in splits), names, s)
        for report in measure_arrays(
            "pixels", [(i.split, i.images.flatten(1), i.labels) for i in sets], metrics, s,
            class_names=names, progress=progress,
        ):  # fmt: skip
            if s.split in ("both", report.split):
                yield report


class FeatureFiles:
    """Features from files, as one layer called ``features``."""

    folder: Path | None = None

    def __init__(
        self,
        features: Path,
        labels: Path | None,
        targets: Path | None,
        reference: tuple[Path, Path] | None,
        settings: MeasurementSettings,
        *,
        minima: ClassMinima = class_minima,
    ) -> None:
        self.title, self.settings = features.name, settings
        self.minima = minima
        self.features = load_array(features, "--features")
        self.labels = None if labels is None else label_values(load_array(labels, "--labels"))
        self.targets = None if targets is None else load_array(targets, "--targets")
        self.reference = None
        if reference is not None:
            self.reference = (
                load_array(reference[0], "--reference-features"),
                label_values(load_array(reference[1], "--reference-labels"), "reference labels"),
            )
        count = len(self.features) if self.features.ndim else 0
        for what, array in (("labels", self.labels), ("targets", self.targets)):
            if array is not None and len(array) != count:
                raise UsageError(f"{features.name} has {count} points but there are {len(array)} {what}")
        chosen = np.arange(count)
        if settings.fraction < 1:
            strata = self.labels if self.labels is not None else np.zeros(count, dtype=np.int64)
            chosen = stratified_sample(strata, settings.fraction, settings.seed)
            self.features = self.features[chosen]
            self.labels = None if self.labels is None else self.labels[chosen]
            self.targets = None if self.targets is None else self.targets[chosen]
        texts = [""] * len(chosen) if self.labels is None else [str(label) for label in self.labels]
        self.origins: dict[str, tuple[Sequence[int] | Int, Sequence[str]]] = {"all": (chosen, texts)}

    def record(self) -> dict[str, Any]:
        return self.settings.record(self.title)

    def plan(self, metrics: Sequence[BoundMetric]) -> None:
        return None

    def reports(self, metrics: Sequence[BoundMetric], progress: Any = None) -> Iterator[LayerReport]:
        s = self.settings
        sets: list[tuple[str, Any, Any]] = [] if self.reference is None else [("reference", *self.reference)]
        sets.append(("all", self.features, self.labels))
        for report in measure_arrays(
            "features", sets, metrics, s, progress=progress, targets=self.targets, minima=self.minima
        ):
            if report.split == "all":
                yield report


def network_of_run(
    trained: LoadedRun, settings: MeasurementSettings, *, layers: Sequence[str] = (), depth: int | None = None
) -> NetworkLayers:
    """The network of a run on its own images; without ``layers`` its head is left out."""
    with trained.directory.best_checkpoint.open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    found = NetworkLayers(
        trained.directory.name, trained.network,
        {"train": trained.splits.train, "test": trained.splits.test}, trained.data.class_names, settings,
        preprocess=trained.normalization, layers=layers, depth=depth, head=None if layers else HEAD,
        weights=weights,
    )  # fmt: skip
    found.folder = trained.directory.path
    return found


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def network_of(
    text: str,
    weights: str,
    data: ImageData,
    settings: MeasurementSettings,
    *,
    image_size: int | None,
    layers: Sequence[str],
    depth: int | None,
) -> NetworkLayers:
    """Any network on a data set.

    Images become 3 channels in [0, 1], are resized to ``image_size`` (with torchvision's own weights by
    default to the size that these were trained at), and normalized: torchvision's models with
    ImageNet's mean and deviation, others with .5 and .5.
    """
    model, trained = load_model(text, weights)
    size = image_size
    if size is None and trained is not None:
        size = int(trained.transforms().crop_size[0])
    torchvision_model = text.startswith("torchvision:")
    mean, deviation = IMAGENET if torchvision_model else ((0.5,) * 3, (0.5,) * 3)

    def preprocess(images: Tensor) -> Tensor:
        batch = images.float() / 255
        if batch.shape[1] == 1:
            batch = batch.expand(-1, 3, -1, -1)
        if size is not None and batch.shape[-2:] != (size, size):
            batch = nn.functional.interpolate(
                batch, size=(size, size), mode="bilinear", antialias=True, align_corners=False
            )
        shape = (1, 3, 1, 1)
        return (batch - batch.new_tensor(mean).view(shape)) / batch.new_tensor(deviation).view(shape)

    title = text if weights == "none" and not torchvision_model else f"{text}, weights {weights}"
    return NetworkLayers(
        title, model, {"train": data.train, "test": data.test}, data.class_names, settings,
        preprocess=preprocess, layers=layers, depth=depth,
    )  # fmt: skip
