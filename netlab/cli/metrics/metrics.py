"""``netlab metrics``: how well every layer separates the classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import note, terminal
from netlab.cli.core.executor_options import PointsExecutor
from netlab.cli.core.flags import Argument, Flag, Shown, own_flags
from netlab.cli.core.options import ChangedParts, DataFolder, Json, Offline, OneRun, Out, Seeded
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.selection import complete_names, read_selectors
from netlab.cli.core.session import Session
from netlab.errors import UsageError

if TYPE_CHECKING:
    from netlab.separability.distributed import Sharing
    from netlab.separability.settings import MeasurementSettings
    from netlab.separability.subject import Subject


class WhatToMeasure(OneRun):
    PANEL: ClassVar[str] = "What to measure"
    model: str | None = Field(None, description="torchvision:NAME or package.module:factory.")
    weights: str = Field("none", description="Of --model: a file, default or none.")
    data: str | None = Field(None, description="The images of --model; alone, its raw pixels.")
    image_size: int | None = Field(None, ge=1, description="Resize for --model.")
    features: Path | None = Field(None, description="A .npy file, points x features.")
    labels: Path | None = Field(None, description="A .npy file, one label a point.")
    targets: Path | None = Field(None, description="A .npy file, for smi.")
    reference_features: Path | None = Field(None, description="Points for cross metrics.")
    reference_labels: Path | None = Field(None, description="Their labels.")
    layers: list[str] = Field([], description="Only these; wildcards.")
    depth: int | None = Field(None, ge=1, description="Levels of module names: 1, or a pattern's.")
    split: Literal["train", "test", "both"] = Field("both", description="Which images.")


class HowToMeasure(Seeded):
    PANEL: ClassVar[str] = "How"
    fraction: float | None = Field(
        None, gt=0, le=1, description="Stratified share of the points: 0.1; of --features all."
    )
    sample_queries: int | None = Field(None, ge=2, description="Estimate from so many points against all.")
    standardize: bool | None = Field(
        None, description="Scale features by the training points: on; of --features off."
    )
    memory: str = Field("4G", description="Keep to it: 4G, 512M.")
    batch_size: int = Field(256, ge=1, description="Images a forward pass.")
    nan: Literal["raise", "omit"] = Field(
        "raise", description="On NaN or infinity: stop, or leave the point out."
    )


class WhatToWrite(Json):
    PANEL: ClassVar[str] = "Output"
    per_class: bool = Field(False, description="Show the classes too.")
    per_point: Path | None = Field(None, description="Write a CSV of all points.")
    out: Annotated[Out[Path | None], Shown(metavar="FOLDER")] = Field(
        None, json_schema_extra={"shown_default": "the run's folder"}
    )
    plots: bool = Field(True, description="Draw curves.")


class MetricsOptions(
    WhatToMeasure, HowToMeasure, WhatToWrite, DataFolder, Offline, PointsExecutor, ChangedParts
):
    names: Annotated[list[str], Argument("[NAME...]")] = Field([], description="Metrics; see --list.")
    list_all: bool = Field(
        False, alias="list", description="Describe every metric (or those named): formula and source."
    )

    def subject(self, data_options: Mapping[str, Any]) -> Subject:
        """What to measure, for the engine."""
        from netlab.separability.subject import Subject

        named = self.model_dump(include=set(WhatToMeasure.model_fields) - {"split", "layers"})
        return Subject(
            **named, layers=tuple(self.layers), data_options=data_options, data_dir=self.data_dir,
            offline=self.offline, accept_changed=self.accept_changed,
        )  # fmt: skip

    def sharing(self) -> Sharing | None:
        """Among whom the nearest points are shared out.

        Raises:
            UsageError: an option of an executor, and none is named.
        """
        from netlab.executors.place import place_of
        from netlab.separability.distributed import Sharing

        if self.executor is not None:
            return Sharing(place_of(self.executor, self.ray_address), self.workers, self.threads)
        if self.workers or self.threads or self.ray_address:
            raise UsageError("--workers, --threads and --ray-address belong to --executor local or ray")
        return None

    def settings(self) -> MeasurementSettings:
        """How to measure, for the engine: of files all points as they are, of images a scaled share."""
        from netlab.separability.arrays import parse_memory
        from netlab.separability.settings import MeasurementSettings

        of_files = self.features is not None
        return MeasurementSettings(
            split=self.split,
            fraction=self.fraction if self.fraction is not None else (1.0 if of_files else 0.1),
            seed=self.seed,
            standardize=self.standardize if self.standardize is not None else not of_files,
            memory=parse_memory(self.memory),
            batch_size=self.batch_size,
            sample_queries=self.sample_queries,
            nan=self.nan,
        )


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the metrics that the command line names."""
    catalog = session.catalog
    words = session.after_command
    selected = read_selectors(words, ["data"])
    dataset = catalog.find("dataset", selected["data"]) if "data" in selected else None
    chosen = [catalog.find("metric", name) for name in metric_names(words, own_flags(MetricsOptions))]
    doubled = {c.name for c in chosen if [d.name for d in chosen].count(c.name) > 1}
    if doubled:
        raise UsageError(f"metric '{min(doubled)}' is named twice")

    def metrics(options: MetricsOptions, given: Given) -> None:
        """Measure how well every layer separates the classes.

        Of a run (the default), of any PyTorch network (--model), of pixels (--data)
        or of features from files (--features).
        """
        from netlab.cli.metrics.describe import describe

        if options.list_all:
            describe(chosen or catalog.of_kind("metric"), as_json=options.as_json)
            return
        if not chosen:
            raise UsageError("name at least one metric, such as 'netlab metrics si csi' (--list shows all)")
        metrics = {catalog.recorded_name(metric): given.get(metric.name, {}) for metric in chosen}
        measure_and_print(session, options, given, metrics)

    words = session.after_command
    flags = [flag for component in chosen for flag in part_flags(component, words)]
    parts = list(chosen)
    if dataset is not None:
        flags += part_flags(dataset, words)
        parts.append(dataset)
    completions = {"names": complete_names(catalog, "metric"), "data": complete_names(catalog, "dataset")}
    return command(
        session, MetricsOptions, metrics, flags=flags, parts=parts, completions=completions,
        only_shows=lambda options: options.list_all,
    )  # fmt: skip


def measure_and_print(
    session: Session, options: MetricsOptions, given: Given, metrics: Mapping[str, Mapping[str, Any]]
) -> None:
    """Measure what the options name, and print it."""
    from netlab.cli.metrics import tables
    from netlab.cli.metrics.progress import MeasuringProgress
    from netlab.separability.arrays import lies_here
    from netlab.separability.bound_metric import bind_metrics
    from netlab.separability.layer_report import raise_failures
    from netlab.separability.measure import measure
    from netlab.separability.results import to_json

    settings = options.settings()
    if options.model is not None and lies_here(options.model.partition(":")[0]):
        note(f"--model {options.model}: imported from the current folder, {Path.cwd()}")
    with MeasuringProgress() as progress:
        measurement = measure(
            options.subject(given.get("data", {})), bind_metrics(metrics, session.catalog), settings,
            session.catalog, sharing=options.sharing(), out=options.out, plots=options.plots,
            per_point=options.per_point, watcher=progress,
        )  # fmt: skip
    if options.as_json:
        print(json.dumps(to_json(measurement.reports), indent=2))
    else:
        tables.show(terminal(), settings, measurement, per_class=options.per_class)
    raise_failures(measurement.reports)


def metric_names(words: Sequence[str], flags: Sequence[Flag]) -> list[str]:
    """The words of the command line that are not flags or their values.

    After a flag of a metric, whose type is not known yet, a word is its value.
    """
    own = {written for flag in flags if not flag.is_argument for written in flag.spellings()}
    switches = {written for flag in flags if flag.is_switch for written in flag.spellings()} | {
        "--help",
        "-h",
    }
    names: list[str] = []
    after_value = False
    for word in words:
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            after_value = not equals and name not in switches
            if name not in own and name.startswith("--no-"):
                after_value = False
        elif after_value:
            after_value = False
        else:
            names.append(word)
    return names
