"""What a user asks to measure: a run, any network, the pixels of a data set, or features from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from netlab.classification.restore import load_run
from netlab.data.load import load_data
from netlab.engine.binding import Accept
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.runs.directory import find_run, newest_finished
from netlab.separability.feature_sources import (
    FeatureFiles,
    FeatureSource,
    ImagePixels,
    network_of,
    network_of_run,
)
from netlab.separability.settings import MeasurementSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing to measure, and what belongs to it, under the names of the flags of ``netlab metrics``.

    ``data`` is the name of the data set whose images a ``model`` sees; alone, its pixels are measured. With
    none of ``model``, ``data`` and ``features`` it is a run: ``run`` by its name in ``runs`` or its path, by
    default the newest finished. ``data_dir`` is where data sets are kept, None: as in the run.
    ``accept_changed`` is told of parts of the run whose code has changed; None: they are refused.
    """

    run: str | None = None
    runs: Path = Path("runs")
    data_options: Mapping[str, Any] = field(default_factory=dict)
    data_dir: Path | None = None
    offline: bool = True
    accept_changed: Accept = None
    model: str | None = None
    weights: str = "none"
    image_size: int | None = None
    data: str | None = None
    features: Path | None = None
    labels: Path | None = None
    targets: Path | None = None
    reference_features: Path | None = None
    reference_labels: Path | None = None
    layers: tuple[str, ...] = ()
    depth: int | None = None

    @property
    def kind(self) -> Literal["run", "model", "pixels", "features"]:
        """Which of them it is."""
        if self.features is not None:
            return "features"
        if self.model is not None:
            return "model"
        return "run" if self.data is None else "pixels"


def check_subject(subject: Subject) -> None:
    """Refuse what does not go together, before anything is loaded.

    Raises:
        UsageError: two things to measure, or a value that belongs to something else.
    """
    named = {"--run": subject.run, "--model": subject.model, "--features": subject.features}
    several = [flag for flag, value in named.items() if value]
    if len(several) > 1:
        raise UsageError(f"{' and '.join(several)} are different things to measure: give one")
    of_features = {
        "--labels": subject.labels,
        "--targets": subject.targets,
        "--reference-features": subject.reference_features,
        "--reference-labels": subject.reference_labels,
    }
    of_model = {"--weights": subject.weights != "none", "--image-size": subject.image_size is not None}
    of_network = {"--layers": bool(subject.layers), "--depth": subject.depth is not None}
    if subject.kind != "features" and (flag := _first_given(of_features)):
        raise UsageError(f"{flag} belongs to --features")
    if subject.kind != "model" and (flag := _first_given(of_model)):
        raise UsageError(f"{flag} belongs to --model")
    if subject.kind in ("features", "pixels") and (flag := _first_given(of_network)):
        raise UsageError(f"{flag} needs a network (--run or --model): features and pixels are one layer")
    if subject.kind == "features":
        if subject.data:
            raise UsageError("--data does not go with --features")
        if subject.labels is None and subject.targets is None:
            raise UsageError("--features needs --labels (or --targets, for smi)")
        if (subject.reference_features is None) != (subject.reference_labels is None):
            raise UsageError("--reference-features and --reference-labels go together")
    if subject.kind == "model" and subject.data is None:
        raise UsageError("--model needs images: give --data NAME")
    if subject.kind == "pixels" and subject.run is not None:
        raise UsageError("--run has its own data: leave --data out")


def _first_given(flags: dict[str, Any]) -> str | None:
    return next((flag for flag, value in flags.items() if value), None)


def open_subject(subject: Subject, settings: MeasurementSettings, catalog: Catalog) -> FeatureSource:
    """What is measured, its run, data, model or files loaded.

    Raises:
        UsageError: as ``check_subject``; a run, a file or a model is not there; arrays do not fit together.
    """
    check_subject(subject)
    if subject.features is not None:
        reference = None
        if subject.reference_features is not None and subject.reference_labels is not None:
            reference = subject.reference_features, subject.reference_labels
        try:
            return FeatureFiles(subject.features, subject.labels, subject.targets, reference, settings)
        except ValueError as error:
            raise UsageError(" ".join(str(error).split())) from error
    if subject.data is None:
        named = subject.run
        directory = newest_finished(subject.runs) if named is None else find_run(named, subject.runs)
        run = load_run(
            directory, catalog, data_dir=subject.data_dir, offline=subject.offline,
            accept_changed=subject.accept_changed,
        )  # fmt: skip
        return network_of_run(run, settings, layers=subject.layers, depth=subject.depth)
    dataset = catalog.find("dataset", subject.data)
    data = load_data(
        dataset, dataset.make_options(subject.data_options),
        root=subject.data_dir or Path("data"), offline=subject.offline,
    )  # fmt: skip
    if subject.model is None:
        return ImagePixels(f"pixels of {subject.data}", data, settings)
    return network_of(
        subject.model, subject.weights, data, settings,
        image_size=subject.image_size, layers=subject.layers, depth=subject.depth,
    )  # fmt: skip
