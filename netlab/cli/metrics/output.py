"""What ``netlab metrics`` does from plan to files: costs, progress, results; descriptions of metrics."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netlab.engine.catalog import Component


def describe(components: Sequence[Component], *, as_json: bool) -> None:
    """Every metric: summary, then formula, range, ties and source from its own docstring, and options."""
    from rich.console import Console

    from netlab.cli.core.flags import component_flags

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

    from netlab.cli.metrics import tables
    from netlab.errors import UsageError
    from netlab.separability import results
    from netlab.separability.measuring import raise_failures, refuse_nothing

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
    refuse_nothing(reports)
    written: list[Path] = []
    if folder is not None:
        folder.mkdir(exist_ok=True)
        order = plan.order if plan is not None else []
        rows = results.save(folder, reports, subject.record(), order)
        written.append(folder / "separability.csv")
        if plots:
            names = [measure.name for measure in measures]
            written += results.plot_curves(folder / "plots", rows, names, subject.title)
    if per_point is not None:
        results.write_points(per_point, reports, subject.origins)
        written.append(per_point)
    if as_json:
        print(json.dumps(results.to_json(reports), indent=2))
        raise_failures(reports)
        return
    console = Console(highlight=False)
    tables.show_settings(console, subject, reports, settings)
    tables.show_tables(console, reports)
    if len({report.name for report in reports}) == 1:
        tables.show_extra(console, reports)
    if per_class:
        tables.show_classes(console, reports)
        tables.show_matrices(console, reports)
    tables.show_notes(console, reports)
    pictures = [path for path in written if path.suffix in (".png", ".svg")]
    for path in written:
        if path not in pictures:
            console.print(f"wrote {path}", markup=False, soft_wrap=True)
    if pictures:
        where = pictures[0].parent
        console.print(f"wrote {len(pictures)} plots (PNG and SVG) into {where}", markup=False, soft_wrap=True)
    raise_failures(reports)


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
