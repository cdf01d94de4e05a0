"""The tables that ``netlab metrics`` prints: layers, classes, notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netlab.cli.core.console import plain_table, say
from netlab.engine.metric_tags import ARROWS, LEGEND, with_arrow

if TYPE_CHECKING:
    from rich.console import Console

    from netlab.kinds.metric import MetricResult
    from netlab.separability.layer_report import LayerReport
    from netlab.separability.measure import Measurement
    from netlab.separability.settings import MeasurementSettings

NUMBER_WIDTH = 18  # of a column of values with their intervals
WIDEST_MATRIX = 12  # classes whose columns do


def show(
    console: Console, settings: MeasurementSettings, measurement: Measurement, *, per_class: bool
) -> None:
    """The whole result, and which files were written."""
    reports = measurement.reports
    show_settings(console, measurement.title, reports, settings)
    show_tables(console, reports)
    if len({report.name for report in reports}) == 1:
        show_extra(console, reports)
    if per_class:
        show_classes(console, reports)
        show_matrices(console, reports)
    show_notes(console, reports)
    pictures = [path for path in measurement.written if path.suffix in (".png", ".svg")]
    for path in measurement.written:
        if path not in pictures:
            say(console, f"wrote {path}")
    if pictures:
        say(console, f"wrote {len(pictures)} plots (PNG and SVG) into {pictures[0].parent}")


def show_settings(
    console: Console, title: str, reports: Sequence[LayerReport], settings: MeasurementSettings
) -> None:
    counts = {report.split: report.points for report in reports}
    points = ", ".join(
        f"{count:,} points" if split == "all" else f"{split} {count:,} points"
        for split, count in counts.items()
    )
    share = "" if settings.fraction >= 1 else f", a stratified {settings.fraction:.3g} (seed {settings.seed})"
    scaled = "standardized" if settings.standardize else "not standardized"
    console.print(f"{title}: {points}{share}; features {scaled}")


def show_tables(console: Console, reports: Sequence[LayerReport]) -> None:
    """Layer x metric x split, as many tables as the width needs."""
    splits = list(dict.fromkeys(report.split for report in reports))
    metrics = list(dict.fromkeys(name for report in reports for name in report.results))
    found = {(r.name, r.split, m): result for r in reports for m, result in r.results.items()}
    columns = [
        (metric, split) for metric in metrics for split in splits
        if any((r.name, split, metric) in found for r in reports)
    ]  # fmt: skip
    better = {metric: direction for report in reports for metric, direction in report.better.items()}
    layers = {report.name: report.features for report in reports}
    left = console.width - 10 - max(map(len, layers), default=0)
    tables = -(-len(columns) // max(1, left // NUMBER_WIDTH))
    together = -(-len(columns) // max(1, tables))
    for start in range(0, len(columns), together):
        table = plain_table("layer", "features", right=["features"])
        shown = columns[start : start + together]
        for metric, split in shown:
            head = with_arrow(metric, better.get(metric))
            title = head if split == "all" else f"{head}\n{split}"
            table.add_column(str(title), justify="right", no_wrap=True)
        for layer, features in layers.items():
            table.add_row(
                str(layer),
                f"{features:,}",
                *(value_text(found.get((layer, split, metric))) for metric, split in shown),
            )
        console.print()
        console.print(table)
    if ARROWS.keys() & set(better.values()):
        console.print(LEGEND, style="dim")


def value_text(result: MetricResult | None) -> str:
    """``0.8123 .803–.822``, the value and its 95 % interval; a dash for no value."""
    if result is None or math.isnan(result.value):
        return "-"
    text = f"{result.value:.4f}" if abs(result.value) < 1000 else f"{result.value:.5g}"
    if result.interval is None or not all(map(math.isfinite, result.interval)):
        return text
    return f"{text} {'–'.join(end_of_interval(end) for end in result.interval)}"


def end_of_interval(end: float) -> str:
    """``.803``, ``-.02``, ``1``, ``12.3``."""
    text = f"{end:.3f}" if abs(end) < 10 else f"{end:.3g}"
    return text.replace("0.", ".", 1) if abs(end) < 1 else text.rstrip("0").rstrip(".")


def show_extra(console: Console, reports: Sequence[LayerReport]) -> None:
    """Further numbers of a single layer."""
    for report in reports:
        for metric, result in report.results.items():
            items = [
                f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in result.extra.items()
                if isinstance(value, (int, float, str)) and not isinstance(value, bool)
            ]
            if "features" in result.extra and "si" in result.extra:
                pairs = zip(result.extra["features"], result.extra["si"], strict=True)
                items = [f"{feature} ({value:.4f})" for feature, value in pairs]
            if items:
                where = "" if report.split == "all" else f", {report.split}"
                console.print(f"{metric}{where}: {', '.join(items)}", style="dim")


def show_classes(console: Console, reports: Sequence[LayerReport]) -> None:
    """One table a metric and split, the classes as rows and the layers as columns."""
    for metric in dict.fromkeys(name for report in reports for name in report.results):
        for split in dict.fromkeys(report.split for report in reports):
            chosen = [
                r for r in reports if r.split == split and metric in r.results and r.results[metric].per_class
            ]
            classes = list(dict.fromkeys(name for r in chosen for name in r.results[metric].per_class))
            for start in range(0, len(chosen), 6):
                title = metric if split == "all" else f"{metric}, {split}"
                table = plain_table("class", title=str(title), title_justify="left")
                shown = chosen[start : start + 6]
                for report in shown:
                    table.add_column(str(report.name), justify="right", overflow="fold")
                for name in classes:
                    cells = [report.results[metric].per_class.get(name, math.nan) for report in shown]
                    table.add_row(str(name), *("-" if math.isnan(v) else f"{v:.4f}" for v in cells))
                console.print()
                console.print(table)


def show_matrices(console: Console, reports: Sequence[LayerReport]) -> None:
    """Of the last layer, where a metric counts points by two classes: rows and columns are classes."""
    last = {report.split: report for report in reports}
    for split, report in last.items():
        for metric, result in report.results.items():
            if not {"classes", "matrix"} <= result.extra.keys():
                continue
            classes = result.extra["classes"]
            where = "" if split == "all" else f", {report.name}, {split}"
            if len(classes) > WIDEST_MATRIX:
                console.print(f"\n{metric}{where}: a matrix of {len(classes)} classes, see --json")
                continue
            table = plain_table("")
            for name in classes:
                table.add_column(str(name), justify="right", overflow="fold", min_width=4)
            for name, row in zip(classes, result.extra["matrix"], strict=True):
                table.add_row(
                    str(name), *(f"{value:.2f}".removeprefix("0") if value else "-" for value in row)
                )
            console.print(
                f"\n{metric}{where}: of the points of a class (row), the nearest is of class (column)",
                style="italic",
            )  # fmt: skip
            console.print(table)


def show_notes(console: Console, reports: Sequence[LayerReport]) -> None:
    """Each note once, with where it holds."""
    places: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        place = report.name if report.split == "all" else f"{report.name} {report.split}"
        for metric, result in report.results.items():
            for note in result.notes:
                places.setdefault((metric, note), []).append(place)
    metrics: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (metric, note), held_at in places.items():
        metrics.setdefault((note, tuple(held_at)), []).append(metric)
    if metrics:
        console.print()
    for (note, where), names in metrics.items():
        more = f" and {len(where) - 3} more" if len(where) > 3 else ""
        held = "" if len(where) == len(reports) else f" ({', '.join(where[:3])}{more})"
        console.print(f"note, {', '.join(names)}: {note}{held}", style="yellow")
