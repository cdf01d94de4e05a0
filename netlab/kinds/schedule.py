"""Schedules: how the learning rate changes over the steps."""

from __future__ import annotations

from typing import Any, Protocol


class Schedule(Protocol):
    """A schedule component: a pure function, so that a resumed run has the rates of an undisturbed one."""

    def __call__(self, step: int, steps: int, *, epochs: int, options: Any) -> float:
        """The factor of the peak learning rate, finite and at least 0, at ``step`` of ``steps``.

        ``step`` counts from 0 to ``steps - 1``. ``steps`` is a multiple of ``epochs``, the passes over the
        training images.
        """
        ...
