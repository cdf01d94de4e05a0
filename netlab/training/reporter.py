"""What a training run tells while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Reporter(Protocol):
    """Receives the progress of a run; the command line shows it, tests and sweeps record it."""

    def describe(self, text: str) -> None:
        """What is about to be trained, in a few lines."""

    def note(self, text: str) -> None:
        """Something that the user should know, in one line."""

    def warn(self, text: str) -> None:
        """Something was left out or mended, in one line."""

    def phase(self, name: str, total: int | None) -> None:
        """A phase of ``total`` pieces of work begins, as when images are read; None: of an unknown number."""

    def advance(self) -> None:
        """A piece of the phase's work is done."""

    def started(
        self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int, unit: str
    ) -> None:
        """Training begins with ``first_epoch`` (from 1; more on resume); a batch holds ``unit``, in words."""

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        """A step was made; ``step`` counts from 1 in the epoch."""

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        """An epoch ended with this row of the history."""


class Silent:
    """Tells nobody."""

    def describe(self, text: str) -> None:
        return

    def note(self, text: str) -> None:
        return

    def warn(self, text: str) -> None:
        return

    def phase(self, name: str, total: int | None) -> None:
        return

    def advance(self) -> None:
        return

    def started(
        self, *, first_epoch: int, epochs: int, steps_per_epoch: int, batch_size: int, unit: str
    ) -> None:
        return

    def step(self, *, epoch: int, step: int, loss: float) -> None:
        return

    def epoch(self, row: Mapping[str, float], *, is_best: bool) -> None:
        return
