"""What a training run tells while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Reporter(Protocol):
    """Hears of a run's progress; the command line shows it, tests and sweeps record it."""

    def started(self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int) -> None:
        """Training begins with ``first_epoch`` (from 1; more than 1 on resume)."""

    def note(self, text: str) -> None:
        """Something that the user should know, in one line."""

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        """A step was made; ``step`` counts from 1 in the epoch."""

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        """An epoch ended with this row of the history."""


class Silent:
    """Tells nobody."""

    def started(self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int) -> None:
        return

    def note(self, text: str) -> None:
        return

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        return

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        return
