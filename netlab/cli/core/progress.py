"""Progress of whatever takes its time: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from netlab.cli.core.console import warn
from netlab.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

SHOWN_WARNINGS = 5


def epoch_line(row: Mapping[str, float], epochs: int, *, is_best: bool) -> str:
    """One epoch as a line of 79 characters at most."""
    begin = f"epoch {int(row['epoch']):{len(str(epochs))}}/{epochs}  loss {row['train_loss']:.3f}"
    if "val_ap50" in row:
        boxes = f"  boxes {row['train_box_loss']:.3f}" if "train_box_loss" in row else ""
        hard = f"  {int(row['hard_negatives'])} hard negatives" if row.get("hard_negatives") else ""
        ap = "" if math.isnan(row["val_ap50"]) else f"  val AP50 {row['val_ap50']:.3f}"
        return f"{begin}{boxes}{ap}{hard}"
    return (
        f"{begin}  accuracy {row['train_accuracy']:.3f}"
        f"  val {row['val_accuracy']:.3f}{'*' if is_best else ' '}"
        f" {row['images_per_second']:6.0f} images/s {row['seconds']:6.1f} s"
    )


class TerminalReporter:
    """Tells of phases and epochs: a line each, and in a terminal below them a bar with the time left.

    ``quiet`` leaves only warnings, of which the first few are shown and the rest counted.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console, self._quiet = console, quiet
        self._is_live = console.is_terminal and not quiet
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[shown]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
            disable=not self._is_live,
        )
        self._task: TaskID | None = None
        self._done, self._total = 0, ""
        self._epochs = self._batch_size = 0
        self._unit = ""
        self._epoch_began = 0.0
        self._warnings = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._warnings > SHOWN_WARNINGS:
            warn(f"and {self._warnings - SHOWN_WARNINGS} more such warnings")

    def describe(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text)

    def note(self, text: str) -> None:
        self._say(f"note: {text}")

    def warn(self, text: str) -> None:
        self._warnings += 1
        if self._warnings <= SHOWN_WARNINGS:
            warn(text)

    def phase(self, name: str, total: int | None) -> None:
        if total and not self._is_live:
            self._say(f"{name}: {total}")
        self._total = "?" if total is None else str(total)
        self._begin(name, total, f"0/{self._total}")

    def advance(self) -> None:
        self._done += 1
        self._update(shown=f"{self._done}/{self._total}")

    def started(
        self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int, unit: str
    ) -> None:
        self._epochs, self._batch_size, self._unit = epochs, batch_size, unit
        if first_epoch > 1:
            self._say(f"resuming after epoch {first_epoch - 1}")
        self._begin(f"epoch {first_epoch}/{epochs}", (epochs - first_epoch + 1) * steps_per_epoch, "")

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        shown = f"loss {loss:.3f}"
        if step == 1:
            self._epoch_began = time.perf_counter()
        else:
            speed = (step - 1) * self._batch_size / (time.perf_counter() - self._epoch_began)
            shown += f"  {speed:.0f} {self._unit}/s"
        self._update(description=f"epoch {epoch}/{self._epochs}", shown=shown)

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        self._say(epoch_line(row, self._epochs, is_best=is_best))

    def _begin(self, description: str, total: int | None, shown: str) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._done = 0
        self._task = self._bar.add_task(description, total=total, shown=shown)

    def _update(self, **fields: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, advance=1, **fields)  # type: ignore[arg-type]

    def _say(self, text: str) -> None:
        """A line; when the reader has gone away (``| head``), the work goes on without one."""
        if self._quiet:
            return
        if self._is_live:
            self._console.print(text)
            return
        try:
            print(visible(text), file=self._console.file, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
