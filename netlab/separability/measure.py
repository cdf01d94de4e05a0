"""A measurement from what a user names to the files that it leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.files import make_folder, refuse_link, remove_leftovers
from netlab.runs.manifest import forget, list_files
from netlab.separability.bound_metric import BoundMetric
from netlab.separability.distributed import Sharing, check_shared_out, shared_out
from netlab.separability.feature_sources import FeatureFiles, FeatureSource
from netlab.separability.layer_report import LayerReport, refuse_nothing
from netlab.separability.measuring import MeasurementPlan
from netlab.separability.results import plot_curves, save, write_points
from netlab.separability.settings import MeasurementSettings
from netlab.separability.subject import Subject, check_subject, open_subject


class Watcher(Protocol):
    """Receives the progress of a measurement: a step's title, how much of it is done, its total."""

    def __call__(self, title: str, done: int, total: int) -> None: ...

    def planned(self, plan: MeasurementPlan | None) -> None:
        """Before anything long: the layers and what they cost; None where there is one layer only."""
        ...

    def measured(self, report: LayerReport) -> None:
        """A layer is done, on one split."""
        ...


class Unwatched:
    """Nobody looks."""

    def __call__(self, title: str, done: int, total: int) -> None:
        return

    def planned(self, plan: MeasurementPlan | None) -> None:
        return

    def measured(self, report: LayerReport) -> None:
        return


@dataclass(frozen=True, slots=True)
class Measurement:
    """Of what, the reports by layer and split in the order of execution, and the files that were written."""

    title: str
    reports: list[LayerReport]
    written: list[Path] = field(default_factory=list)


def measure(
    subject: Subject,
    metrics: Sequence[BoundMetric],
    settings: MeasurementSettings,
    catalog: Catalog,
    *,
    sharing: Sharing | None = None,
    out: Path | None = None,
    plots: bool = True,
    per_point: Path | None = None,
    watcher: Watcher | None = None,
) -> Measurement:
    """Measure every layer of a subject; ``sharing`` shares out the nearest points of files.

    ``out`` is the folder for table and plots, by default that of the run. The rest as ``measure_source``.

    Raises:
        UsageError: options that do not go together, or what they name is not there.
    """
    check_subject(subject)
    if sharing is not None:
        check_shared_out(subject, settings)
    source = open_subject(subject, settings, catalog)
    with contextlib.ExitStack() as stack:
        if sharing is not None and isinstance(source, FeatureFiles):
            source.minima = stack.enter_context(shared_out(sharing, subject, settings))
        return measure_source(
            source, metrics, folder=out or source.folder, plots=plots, per_point=per_point, watcher=watcher
        )


def measure_source(
    source: FeatureSource,
    metrics: Sequence[BoundMetric],
    *,
    folder: Path | None = None,
    plots: bool = True,
    per_point: Path | None = None,
    watcher: Watcher | None = None,
) -> Measurement:
    """Measure every layer of a source.

    ``folder`` gets ``separability.csv``, ``separability.json`` and with ``plots`` the curves;
    ``per_point`` is a CSV file for the values of the points.

    Raises:
        UsageError: a folder is not there, or a metric is not defined on the source.
    """
    for path in (per_point.parent if per_point else None, folder.parent if folder else None):
        if path is not None and not path.is_dir():
            raise UsageError(f"there is no folder {path}")
    watching: Any = watcher or Unwatched()
    plan = source.plan(metrics)
    watching.planned(plan)
    reports = []
    for report in source.reports(metrics, watching):
        reports.append(report)
        watching.measured(report)
    refuse_nothing(reports)
    written: list[Path] = []
    if folder is not None:
        prepare_folder(folder)
        rows = save(folder, reports, source.record(), plan.order if plan is not None else [])
        written.append(folder / "separability.csv")
        if plots:
            names = [metric.name for metric in metrics]
            forget(folder, "plots/separability-*")
            written += plot_curves(folder / "plots", rows, names, source.title)
            list_files(folder, "plots/separability-*")
    if per_point is not None:
        write_points(per_point, reports, source.origins)
        written.append(per_point)
    return Measurement(source.title, reports, written)


def prepare_folder(folder: Path) -> None:
    """Make the folder, and clear what a killed process left there.

    Raises:
        UsageError: its folder of plots is a link to elsewhere.
    """
    make_folder(folder)
    refuse_link(folder / "plots")
    for each in (folder, folder / "plots"):
        remove_leftovers(each)
