"""What ``netlab metrics`` prints: the plan, progress, tables, and descriptions of metrics."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netlab.catalog import Component

NUMBERS_A_TABLE = 4  # columns of numbers that fit 80 characters


def describe(components: Sequence[Component], *, as_json: bool) -> None:
    """Every metric: summary, then formula, range, ties and source from its own docstring, and options."""
    from rich.console import Console

    from netlab.cli.flags import component_flags

    if as_json:
        rows = [
            {
                "name": c.name,
                "summary": c.spec.summary,
                "description": inspect.getdoc(c.load()) or "",
                "reference": c.spec.reference,
                "options": [flag.canonical for flag in component_flags(c, prefix=c.name)],
                "distribution": c.plugin.distribution,
            }
            for c in components
        ]
        print(json.dumps({"metrics": rows}, indent=2))
        return
    console = Console(highlight=False)
    for component in components:
        console.print(f"[bold]{component.name}[/bold]  {component.spec.summary}", soft_wrap=False)
        text = inspect.getdoc(component.load()) or f"Source: {component.spec.reference}"
        for line in _paragraphs(text):
            console.print(line, markup=False, style="dim" if line.startswith("Source") else "")
        for flag in component_flags(component, prefix=component.name):
            console.print(f"{flag.canonical}  {flag.help}", markup=False, style="cyan")
        console.print()


def _paragraphs(text: str) -> Iterator[str]:
    """The docstring with its lines joined, one part a line."""
    starts = ("Formula:", "Range:", "Ties:", "Source:", "Cost:")
    current = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith(starts):
            if current:
                yield current
            current = stripped
        else:
            current = f"{current} {stripped}".strip()
    if current:
        yield current


def measure_and_show(
    subject: Any,
    measures: Sequence[Any],
    settings: Any,
    *,
    folder: Path | None,
    per_class: bool,
    per_point: Path | None,
    plots: bool,
    as_json: bool,
) -> None:
    """Measure, print the result, and write the table, the points and the plots."""
    from rich.console import Console

    from netlab.errors import UsageError
    from netlab.separability import outputs

    for path in (per_point.parent if per_point else None, folder.parent if folder else None):
        if path is not None and not path.is_dir():
            raise UsageError(f"there is no folder {path}")
    aside = Console(stderr=True, highlight=False)
    plan = subject.plan(measures)
    if plan is not None:
        show_plan(aside, plan, settings)
    with progress_bar(aside, plan) as progress:
        reports = []
        for report in subject.reports(measures, progress):
            reports.append(report)
            progress.finish(report)
    written: list[Path] = []
    if folder is not None:
        folder.mkdir(exist_ok=True)
        order = plan.order if plan is not None else []
        rows = outputs.save(folder, reports, subject.record(), order)
        written.append(folder / "separability.csv")
        if plots:
            names = [measure.name for measure in measures]
            written += outputs.plot_curves(folder / "plots", rows, names, subject.title)
    if per_point is not None:
        outputs.write_points(per_point, reports, subject.points)
        written.append(per_point)
    if as_json:
        print(json.dumps(outputs.to_json(reports), indent=2))
        return
    console = Console(highlight=False)
    show_settings(console, subject, reports, settings)
    show_tables(console, reports)
    if len({report.name for report in reports}) == 1:
        show_extra(console, reports)
    if per_class:
        show_classes(console, reports)
    show_notes(console, reports)
    pictures = [path for path in written if path.suffix in (".png", ".svg")]
    for path in written:
        if path not in pictures:
            console.print(f"wrote {path}", markup=False, soft_wrap=True)
    if pictures:
        where = pictures[0].parent
        console.print(f"wrote {len(pictures)} plots (PNG and SVG) into {where}", markup=False, soft_wrap=True)


def show_plan(console: Any, plan: Any, settings: Any) -> None:
    """The cost of each layer before anything long begins."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("layer", overflow="fold")
    for title in ("output", "features", "memory", "products"):
        table.add_column(title, justify="right")
    for layer in plan.layers:
        table.add_row(
            layer.name,
            "x".join(map(str, layer.shape)),
            f"{layer.features:,}",
            f"{4 * plan.points * layer.features / 2**20:,.1f} MB",
            f"{plan.operations(layer) / 1e9:,.2f} GFLOP",
        )
    console.print(table)
    passes, layers = len(plan.passes), len(plan.layers)
    console.print(
        f"{plan.points:,} points, {layers} layer{'s' if layers > 1 else ''} in "
        f"{passes} pass{'es' if passes > 1 else ''} over the images, within {plan.memory / 2**30:.3g} GiB\n"
    )


class Progress:
    """Counts products over the whole walk; quiet where standard error is no terminal."""

    def __init__(self, bar: Any, plan: Any) -> None:
        self.bar = bar
        self.sizes = {layer.name: layer.features for layer in plan.layers} if plan is not None else {}
        total = sum(self.sizes.values()) or None
        self.task = bar.add_task("measuring", total=total) if bar is not None else None
        self.splits = 2
        self.done = 0.0
        self.reached: set[tuple[str, str]] = set()

    def __call__(self, title: str, done: int, total: int) -> None:
        if self.bar is None:
            return
        layer = title.rpartition(", ")[0]
        part = 0.0
        if layer in self.sizes:
            part = self.sizes[layer] / self.splits * done / max(1, total)
        text = title if layer in self.sizes else f"{title} {done:,}/{total:,}"
        self.bar.update(self.task, description=text, completed=self.done + part)

    def finish(self, report: Any) -> None:
        self.done += self.sizes.get(report.name, 0) / self.splits
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done)


@contextmanager
def progress_bar(console: Any, plan: Any) -> Iterator[Progress]:
    if not console.is_terminal:
        yield Progress(None, plan)
        return
    from rich import progress as rich_progress

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=24),
        rich_progress.TaskProgressColumn(),
        rich_progress.TextColumn("time left"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as bar:
        yield Progress(bar, plan)


def show_settings(console: Any, subject: Any, reports: Sequence[Any], settings: Any) -> None:
    counts = {report.split: report.points for report in reports}
    points = ", ".join(
        f"{count:,} points" if split == "all" else f"{split} {count:,} points"
        for split, count in counts.items()
    )
    share = "" if settings.fraction >= 1 else f", a stratified {settings.fraction:.3g} (seed {settings.seed})"
    scaled = "standardized" if settings.standardize else "not standardized"
    console.print(f"{subject.title}: {points}{share}; features {scaled}", markup=False)


def show_tables(console: Any, reports: Sequence[Any]) -> None:
    """Layer x metric x split, as many tables as the width needs."""
    from rich.table import Table

    splits = list(dict.fromkeys(report.split for report in reports))
    metrics = list(dict.fromkeys(name for report in reports for name in report.results))
    found = {(r.name, r.split, m): result for r in reports for m, result in r.results.items()}
    columns = [
        (metric, split) for metric in metrics for split in splits
        if any((r.name, split, metric) in found for r in reports)
    ]  # fmt: skip
    layers = {report.name: report.features for report in reports}
    for start in range(0, len(columns), NUMBERS_A_TABLE):
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("layer", overflow="fold")
        table.add_column("features", justify="right")
        shown = columns[start : start + NUMBERS_A_TABLE]
        for metric, split in shown:
            title = metric if split == "all" else f"{metric}\n{split}"
            table.add_column(title, justify="right", no_wrap=True)
        for layer, features in layers.items():
            table.add_row(
                layer,
                f"{features:,}",
                *(number(found.get((layer, split, metric))) for metric, split in shown),
            )
        console.print()
        console.print(table)


def number(result: Any) -> str:
    """``0.8123 ±.005``; a dash for no value."""
    if result is None or math.isnan(result.value):
        return "-"
    text = f"{result.value:.4f}" if abs(result.value) < 1000 else f"{result.value:.5g}"
    if result.standard_error is None or not math.isfinite(result.standard_error):
        return text
    error = f"{result.standard_error:.3f}" if result.standard_error < 10 else f"{result.standard_error:.3g}"
    return f"{text} ±{error.removeprefix('0')}"


def show_extra(console: Any, reports: Sequence[Any]) -> None:
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
                console.print(f"{metric}{where}: {', '.join(items)}", markup=False, style="dim")


def show_classes(console: Any, reports: Sequence[Any]) -> None:
    """One table a metric and split, the classes as rows and the layers as columns."""
    from rich.table import Table

    for metric in dict.fromkeys(name for report in reports for name in report.results):
        for split in dict.fromkeys(report.split for report in reports):
            chosen = [
                r for r in reports if r.split == split and metric in r.results and r.results[metric].per_class
            ]
            classes = list(dict.fromkeys(name for r in chosen for name in r.results[metric].per_class))
            for start in range(0, len(chosen), 6):
                table = Table(
                    box=None, header_style="bold", pad_edge=False,
                    title=metric if split == "all" else f"{metric}, {split}", title_justify="left",
                )  # fmt: skip
                table.add_column("class", overflow="fold")
                shown = chosen[start : start + 6]
                for report in shown:
                    table.add_column(report.name, justify="right", overflow="fold")
                for name in classes:
                    cells = [report.results[metric].per_class.get(name, math.nan) for report in shown]
                    table.add_row(name, *("-" if math.isnan(v) else f"{v:.4f}" for v in cells))
                console.print()
                console.print(table)


def show_notes(console: Any, reports: Sequence[Any]) -> None:
    """Each note once, with where it holds."""
    places: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for metric, result in report.results.items():
            for note in result.notes:
                where = report.name if report.split == "all" else f"{report.name} {report.split}"
                places.setdefault((metric, note), []).append(where)
    metrics: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (metric, note), where in places.items():
        metrics.setdefault((note, tuple(where)), []).append(metric)
    if metrics:
        console.print()
    for (note, where), names in metrics.items():
        more = f" and {len(where) - 3} more" if len(where) > 3 else ""
        held = "" if len(where) == len(reports) else f" ({', '.join(where[:3])}{more})"
        console.print(f"note, {', '.join(names)}: {note}{held}", markup=False, style="yellow")
