"""What a training prints in a notebook or a program: a line an epoch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from netlab.training.reporter import Silent

if TYPE_CHECKING:
    from netlab.training.reporter import Reporter


def reporter_for(*, quiet: bool) -> Reporter:
    """Prints lines, or nothing but warnings."""
    return Warned() if quiet else Printed()


class Warned(Silent):
    """Warns of what was left out or mended, and is silent otherwise."""

    def warn(self, text: str) -> None:
        warnings.warn(text, stacklevel=2)


class Printed(Warned):
    """Prints a line an epoch."""

    def __init__(self) -> None:
        self._epochs = 0

    def describe(self, text: str) -> None:
        print(text)

    def note(self, text: str) -> None:
        print(f"note: {text}")

    def started(
        self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int, unit: str
    ) -> None:
        self._epochs = epochs
        if first_epoch > 1:
            print(f"resuming after epoch {first_epoch - 1}")

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        shown = {
            "loss": row.get("train_loss"),
            "accuracy": row.get("train_accuracy"),
            "val": row.get("val_accuracy"),
            "val AP50": row.get("val_ap50"),
        }
        figures = "  ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
        print(f"epoch {int(row['epoch'])}/{self._epochs}  {figures}{'*' if is_best else ''}")
