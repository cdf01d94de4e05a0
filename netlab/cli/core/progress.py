"""Training progress: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


def epoch_line(row: Mapping[str, float], epochs: int, *, is_best: bool) -> str:
    """One epoch as a line of 79 characters at most."""
    width = len(str(epochs))
    return (
        f"epoch {int(row['epoch']):{width}}/{epochs}"
        f"  loss {row['train_loss']:.3f}  accuracy {row['train_accuracy']:.3f}"
        f"  val {row['val_accuracy']:.3f}{'*' if is_best else ' '}"
        f" {row['images_per_second']:6.0f} images/s {row['seconds']:6.1f} s"
    )


class PlainReporter:
    """One line an epoch; for logs, pipes and the notebooks of people without a terminal."""

    def __init__(self) -> None:
        self._epochs = 0

    def started(self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int) -> None:
        self._epochs = epochs
        if first_epoch > 1:
            self._say(f"resuming after epoch {first_epoch - 1}")

    def note(self, text: str) -> None:
        self._say(f"note: {text}")

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        return

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        self._say(epoch_line(row, self._epochs, is_best=is_best))

    def _say(self, text: str) -> None:
        """Print a line; when the reader has gone away (``| head``), the training goes on without one."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LiveReporter:
    """A line an epoch, and below them a bar with the running loss, the speed and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )
        self._task: TaskID | None = None
        self._epochs = self._batch_size = 0
        self._epoch_began = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int) -> None:
        self._epochs, self._batch_size = epochs, batch_size
        if first_epoch > 1:
            self._console.print(f"resuming after epoch {first_epoch - 1}")
        self._task = self._progress.add_task(
            f"epoch {first_epoch}/{epochs}", total=(epochs - first_epoch + 1) * steps_per_epoch, shown=""
        )

    def note(self, text: str) -> None:
        self._console.print(f"note: {text}", markup=False, highlight=False)

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        if self._task is None:
            return
        if step == 1:
            self._epoch_began = time.perf_counter()
            shown = f"loss {loss:.3f}"
        else:
            speed = (step - 1) * self._batch_size / (time.perf_counter() - self._epoch_began)
            shown = f"loss {loss:.3f}  {speed:.0f} images/s"
        self._progress.update(self._task, advance=1, description=f"epoch {epoch}/{self._epochs}", shown=shown)

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        self._console.print(epoch_line(row, self._epochs, is_best=is_best), highlight=False)
