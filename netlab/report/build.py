"""From what was asked for to a finished page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netlab.engine.catalog import Catalog
from netlab.engine.hooks import call_hooks
from netlab.errors import NetlabError, first_line
from netlab.kinds.events import ReportSection
from netlab.report.detectors import read_detector
from netlab.report.networks import Contents, HardImages, data_groups
from netlab.report.page import render
from netlab.runs.directory import RunDirectory, is_detector
from netlab.runs.record import RunRecord, read_records


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a report is to show. ``choose`` finds the runs and a sweep's baseline, anew every time."""

    choose: Callable[[], tuple[list[RunDirectory], str | None]]
    title: str
    baseline: str | None
    images: int
    data_dir: Path | None
    force: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A finished report: its HTML, how many runs are in it, and what could not be shown."""

    html: str
    runs: int
    notes: list[str]


def build_report(request: ReportRequest, catalog: Catalog, *, state: str = "") -> Page:
    """Read the runs and render them; ``state`` makes a page that reloads when it changes.

    Raises:
        UsageError: there is no run, or no such baseline.
    """
    directories, recorded = request.choose()
    detectors = [read_detector(directory) for directory in directories if is_detector(directory)]
    records, notes = read_records([directory for directory in directories if not is_detector(directory)])
    notes += [problem for detector in detectors for problem in detector.problems]
    if not records and not detectors:
        raise NetlabError(f"no run can be read: {'; '.join(notes)}")
    contents = Contents(
        title=request.title,
        baseline=request.baseline or recorded,
        force=request.force,
        notes=notes,
        hard=hard_images_by_data(records, catalog, request) if request.images else {},
        plugin_sections=plugin_sections(records, catalog),
        state=state,
        detectors=detectors,
    )
    return Page(render(records, contents), len(records) + len(detectors), notes)


def hard_images_by_data(
    records: list[RunRecord], catalog: Catalog, request: ReportRequest
) -> dict[str, HardImages]:
    """The hardest images of each data set, by its title; a forced comparison has those of its best run."""
    found = {
        group.title: hard_images(group.records, catalog, request)
        for group in data_groups(records, force=request.force)
    }
    return {title: images for title, images in found.items() if images is not None}


def hard_images(records: list[RunRecord], catalog: Catalog, request: ReportRequest) -> HardImages | None:
    """The hardest images of the finished run with the best validation accuracy, or why there are none."""
    from netlab.report.pictures import hardest_images

    finished = [record for record in records if record.finished]
    if not finished:
        return None
    best = max(finished, key=lambda record: float(record.result.get("best_val_balanced_accuracy", 0.0)))
    try:
        layer, images = hardest_images(
            best.directory, catalog, count=request.images, data_dir=request.data_dir
        )
    except (NetlabError, OSError, KeyError, ValueError) as error:
        return HardImages(best.name, problem=f"Left out: {first_line(error)}")
    return HardImages(best.name, layer, images)


def plugin_sections(records: list[RunRecord], catalog: Catalog) -> list[ReportSection]:
    """What plugins add, in the order of their names; a failing plugin is kept and reported."""
    paths = [record.directory.path for record in records]
    sections: list[ReportSection] = []
    for plugin, result in call_hooks(catalog.manager, "netlab_report_sections", runs=paths):
        try:
            for section in result or ():
                if not isinstance(section, ReportSection):
                    raise TypeError(f"netlab_report_sections gave {section!r:.80}, not a ReportSection")
                sections.append(section)
        except Exception as error:
            catalog.manager.fail(plugin, "event", error)
    return sections
