"""What ``netlab metrics`` shows before and while it measures: what each layer costs, and how far it is."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from netlab.cli.core.console import plain_table, terminal

if TYPE_CHECKING:
    from netlab.separability.layer_report import LayerReport
    from netlab.separability.measuring import MeasurementPlan

SPLITS = 2  # a layer is measured on training and test images


class MeasuringProgress:
    """Counts products over the whole walk, on standard error; no bar where that is no terminal."""

    def __init__(self) -> None:
        self._console = terminal(stderr=True)
        self._bar: Any = None
        self._task: Any = None
        self._sizes: dict[str, int] = {}
        self._done = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def planned(self, plan: MeasurementPlan | None) -> None:
        if plan is not None:
            print_plan(self._console, plan)
            self._sizes = {layer.name: layer.features for layer in plan.layers}
        if self._console.is_terminal:
            self._start_bar()

    def _start_bar(self) -> None:
        from rich import progress

        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            progress.TextColumn("time left"),
            progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("measuring", total=sum(self._sizes.values()) or None)
        self._bar.start()

    def __call__(self, title: str, done: int, total: int) -> None:
        if self._bar is None:
            return
        layer = title.rpartition(", ")[0]
        part = self._sizes.get(layer, 0) / SPLITS * done / max(1, total)
        text = title if layer in self._sizes else f"{title} {done:,}/{total:,}"
        self._bar.update(self._task, description=text, completed=self._done + part)

    def measured(self, report: LayerReport) -> None:
        self._done += self._sizes.get(report.name, 0) / SPLITS
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)


def print_plan(console: Any, plan: MeasurementPlan) -> None:
    """The cost of each layer before anything long begins."""
    numbers = ("output", "features", "memory", "products")
    table = plain_table("layer", *numbers, right=numbers)
    for layer in plan.layers:
        table.add_row(
            str(layer.name),
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
