"""A trained classifier: what it left, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from netlab.api.evaluation import Evaluation, Predictions
from netlab.api.installed import installed
from netlab.api.plot import Plot
from netlab.api.saved_run import SavedRun
from netlab.api.separability import LayerTable, bound_metrics
from netlab.api.table import Table
from netlab.errors import NetlabError, UsageError
from netlab.runs.config import read_config
from netlab.runs.history import read_history

if TYPE_CHECKING:
    from torch import nn

    from netlab.classification.classifier import Classifier
    from netlab.kinds.dataset import LabelledImages

PARTS = ("data", "backbone", "block", "norm")


class Run(SavedRun):
    """A run of ``netlab.train`` or ``netlab run``, finished or not.

    ``result`` has test_accuracy, test_balanced_accuracy, test_loss, best_epoch, confusion and more.

    >>> run = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> run.history["epoch"], run.is_finished
    ([1], True)
    >>> len(run.predict(netlab.load_data("digits").test.images[:3]).labels)
    3
    """

    @property
    def config(self) -> Mapping[str, Any]:
        """Every value that was used, by table: data, backbone, block, norm, training, run."""
        return MappingProxyType(read_config(self._directory.config))

    @property
    def history(self) -> Table:
        """A row an epoch: epoch, train_loss, train_accuracy, val_loss, val_accuracy,
        val_balanced_accuracy, lr, images_per_second, seconds."""
        return Table(read_history(self._directory.history))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the network's logits."""
        return self._classifier.interface.class_names

    @property
    def network(self) -> nn.Module:
        """The network with its best weights, float32, on the CPU, in evaluation mode.

        It takes normalized images; ``predict`` normalizes them itself.
        """
        return self._classifier.network

    @cached_property
    def _classifier(self) -> Classifier:
        return self._on("cpu")

    def _on(self, device: str) -> Classifier:
        from netlab.classification.classifier import load_classifier
        from netlab.training.device import choose_device

        return load_classifier(
            self._directory, installed(), device=choose_device(device), accept_changed=self._accept_changed
        )

    def predict(
        self, images: Any, *, every: int = 1, batch_size: int = 64, device: str = "auto"
    ) -> Predictions:
        """Classify images. The data that the network was trained on is not needed.

        Args:
            images: a path (file, folder, glob, video), a PIL image, an array uint8 (H, W), (H, W, 3) or
                (N, H, W, 3), a tensor uint8 (C, H, W) or (N, C, H, W), or a list of these. They are
                stretched to the network's size. Of several files, one that can not be read is warned of and
                left out.
            every: of videos, every n-th frame.
            batch_size: images at a time.
            device: auto, cpu, cuda or cuda:N.

        Raises:
            UsageError: something is no image.
            NetlabError: no image can be read.
        """
        import numpy as np

        from netlab.data.given_images import given_images

        classifier = self._on(device)
        found = list(classifier.classify(given_images(images, every=every), batch_size=batch_size))
        names = classifier.interface.class_names
        probabilities = np.array([row.numpy() for _, row in found], np.float32).reshape(-1, len(names))
        return Predictions([name for name, _ in found], probabilities, names)

    def evaluate(
        self,
        data: Any = None,
        labels: Any = None,
        *,
        data_dir: str | Path | None = None,
        offline: bool = False,
        batch_size: int = 256,
        device: str = "auto",
        **options: Any,
    ) -> Evaluation:
        """Classify labelled images, and count.

        Args:
            data: a folder with a subfolder a class, the name of an installed data set (its test images),
                images as ``predict`` takes them with ``labels``, or ``netlab.kinds.dataset.LabelledImages``;
                None: the test images of the run's own data.
            labels: of ``data``: names of classes, or their places among ``class_names``.
            data_dir: where data sets are kept; None: where the run's were.
            offline: download nothing.
            batch_size: images at a time.
            device: auto, cpu, cuda or cuda:N.
            options: of the data set.

        Raises:
            UsageError: there is no such data, or it has classes that the network does not know.
        """
        from netlab.classification.class_figures import ClassFigures
        from netlab.classification.labelled import counted

        classifier = self._on(device)
        names = classifier.interface.class_names
        root = Path(data_dir or self.config["run"].get("data_dir", "data"))
        labelled = self._labelled(data, labels, names, root, options, offline=offline)
        confusion = counted(
            labelled, lambda images: classifier.classify(images, batch_size=batch_size), len(names)
        )
        return Evaluation(ClassFigures(confusion), names)

    def _labelled(
        self, data: Any, labels: Any, names: Sequence[str], root: Path, options: Any, *, offline: bool
    ) -> Any:
        from netlab.api.networks import load_data
        from netlab.classification import labelled

        if labels is not None or not isinstance(data, str | Path | None):
            if options:
                raise UsageError(f"{min(options)} is no option here: these images are no data set by name")
            return labelled.images_with_labels(data, labels, names)
        if data is None:
            part, own_names = self._own_test_images(root, offline=offline)
            return labelled.images_of_other_data(part, own_names, names)
        if isinstance(data, str) and data in installed().names("dataset") and not Path(data).is_dir():
            other = load_data(data, data_dir=root, offline=offline, **options)
            return labelled.images_of_other_data(other.test, other.class_names, names)
        return labelled.images_of_folder(Path(data), names)

    def _own_test_images(self, root: Path, *, offline: bool) -> tuple[LabelledImages, Sequence[str]]:
        from netlab.classification.restore import load_run as restore

        loaded = restore(
            self._directory, installed(), data_dir=root, offline=offline, accept_changed=self._accept_changed
        )
        return loaded.splits.test, loaded.data.class_names

    def metrics(
        self,
        *metrics: str,
        layers: str | Sequence[str] = (),
        depth: int | None = None,
        split: Literal["train", "test", "both"] = "both",
        fraction: float = 0.1,
        seed: int = 0,
        standardize: bool = True,
        sample_queries: int | None = None,
        memory: str = "4G",
        data_dir: str | Path | None = None,
        save: bool = True,
        **options: Any,
    ) -> LayerTable:  # the parameters are the flags of `netlab metrics`; most lines describe them
        """Measure how well every layer separates the classes, on the run's own images.

        Args:
            metrics: names of metrics (``netlab.parts("metric")``); none: si and csi.
            layers: names or wildcards; without them the head is left out.
            depth: levels of module names, 1 by default or as many as a pattern has.
            split: which images.
            fraction: stratified share of the images.
            seed: of that share.
            standardize: scale features by the training points.
            sample_queries: estimate from so many points against all.
            memory: keep to it: ``"512M"``.
            data_dir: where data sets are kept; None: where the run's were.
            save: add to ``separability.csv`` in the run's directory, where ``netlab.compare`` finds it.
            options: of the metrics: ``ties="optimistic"``, or ``si__ties`` where two have it.

        Raises:
            UsageError: an unknown metric, option or layer; or the run's data is not there.

        >>> run = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
        >>> table = run.metrics("si", layers=["conv1", "avgpool"], split="test")
        >>> table["layer"], table["metric"]
        (['conv1', 'avgpool'], ['si', 'si'])
        """
        from netlab.separability.arrays import parse_memory
        from netlab.separability.layer_report import table_rows
        from netlab.separability.measure import measure_source
        from netlab.separability.settings import MeasurementSettings
        from netlab.separability.subject import Subject, open_subject

        if split not in ("train", "test", "both"):
            raise UsageError(f"split must be train, test or both, not {split!r}")
        if not 0 < fraction <= 1:
            raise UsageError(f"fraction must be above 0 and at most 1, not {fraction!r}")
        bound = bound_metrics(metrics or ("si", "csi"), options)
        settings = MeasurementSettings(
            split=split, fraction=fraction, seed=seed, standardize=standardize,
            memory=parse_memory(memory), sample_queries=sample_queries,
        )  # fmt: skip
        subject = Subject(
            run=str(self.path), layers=(layers,) if isinstance(layers, str) else tuple(layers), depth=depth,
            data_dir=None if data_dir is None else Path(data_dir), accept_changed=self._accept_changed,
        )  # fmt: skip
        source = open_subject(subject, settings, installed())
        measured = measure_source(source, bound, folder=self.path if save else None, plots=False)
        return LayerTable(table_rows(measured.reports), title=self.name)

    def export(
        self,
        path: str | Path,
        *,
        to: str | None = None,
        int8: bool = False,
        images: str | Path | Sequence[str | Path] = (),
        data_dir: str | Path | None = None,
    ) -> Mapping[str, Any]:
        """Write the network as one file that needs no netlab, as ``netlab export`` does.

        It takes images uint8 (N, C, height, width) and gives probabilities float32 (N, K); normalization is
        inside, class names and the rule for other sizes are in its metadata. It gets its name once it has
        given what the network gives, on real images.

        Args:
            path: of the file: ``NAME.onnx`` or ``NAME.pt2``.
            to: onnx or pt2; None: by the ending of ``path``.
            int8: compute in 8 bits (onnx), calibrated on training images.
            images: paths of images, folders or globs to compare on; by default the run's test images.
            data_dir: where data sets are kept; None: where the run's were.

        Returns:
            path, format, bytes, images, difference (of probabilities, at most), same_class (of so many
            images), int8, accuracy (before and after, of int8).

        Raises:
            UsageError: there is no such format, or there are no images to compare on.
            NetlabError: the format can not express the network, or the extra ``export`` is missing.
        """
        from netlab.export.export import ExportRequest, export_run

        given = [images] if isinstance(images, str | Path) else images
        folder = None if data_dir is None else Path(data_dir)
        request = ExportRequest(Path(path), to, int8, tuple(map(str, given)), folder)
        exported = export_run(self._directory, installed(), request, accept_changed=self._accept_changed)
        return MappingProxyType(exported.as_dict())

    def plot(self) -> Plot:
        """Loss and accuracy over the epochs, training and validation.

        Raises:
            NetlabError: no epoch was finished.
        """
        from netlab.runs.curves import history_figure

        rows = read_history(self._directory.history)
        if not rows:
            raise NetlabError(f"run '{self.name}' has finished no epoch")
        best = max(rows, key=lambda row: (row["val_balanced_accuracy"], -row["val_loss"]))
        return Plot(history_figure(rows, title=self.name, best_epoch=int(best["epoch"])))

    def __repr__(self) -> str:
        return f"Run({self.name!r}: {self._state()})"

    def _repr_html_(self) -> str:
        rows = [("run", str(self.path)), ("state", self._state())]
        rows += [(table, self.config[table]["name"]) for table in PARTS]
        cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows)
        return f"<table>{cells}</table>"

    def _state(self) -> str:
        if self.is_finished:
            return f"test accuracy {self.result['test_accuracy']:.4f}"
        epochs = self.config["training"]["epochs"]
        return f"unfinished, epoch {len(self.history)} of {epochs}"
