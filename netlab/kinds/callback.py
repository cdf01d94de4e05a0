"""Callbacks: what goes along with the steps of a training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Training:
    """A training that is about to begin or to go on.

    ``network`` and ``optimizer`` are those that learn, on their device; the weights of a resumed run are
    loaded already. ``steps`` and ``steps_per_epoch`` count optimizer steps, of all epochs and of one.
    ``folder`` is the run's directory, in which a callback may write files of its own; None where nothing is
    to be written: a training without a directory, or a process that is not the first of several.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    steps: int
    steps_per_epoch: int
    folder: Path | None


class TrainingCallback:
    """What a callback component gives: any of these methods, called in the order of training.

    Steps count from 0 over the whole training, epochs from 1. What a callback keeps from step to step goes
    through ``state`` and ``load_state``, so that a resumed run is equal to an undisturbed one. Of several
    processes that train together, each has its own callback, and all of them see the same weights and
    gradients.
    """

    # What ``epoch_finished`` gives: columns that are added to ``history.csv``.
    columns: Sequence[str] = ()

    def gradients_ready(self, step: int, again: Callable[[], None]) -> None:
        """After the backward pass, before gradients are clipped and the optimizer steps.

        ``again()`` makes the gradients anew, of the same batch at the present weights.
        """

    def step_finished(self, step: int) -> None:
        """After the optimizer's step."""

    def evaluation(self) -> AbstractContextManager[None]:
        """Within it the network is measured on the validation images, and kept as the best if it is.

        A callback that has better weights than those that learn puts them in, and afterwards back.
        """
        return contextlib.nullcontext()

    def epoch_finished(self, epoch: int) -> Mapping[str, float]:
        """The epoch's values of ``columns``; after ``evaluation``, before the checkpoint is written."""
        return {}

    def state(self) -> Mapping[str, Tensor]:
        """What a checkpoint must hold of the callback, as tensors."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what ``state`` gave, on the CPU. KeyError or ValueError where it does not fit."""


class Callback(Protocol):
    """A callback component, called once a training, in every process."""

    def __call__(self, training: Training, *, options: Any) -> TrainingCallback:
        """What goes along with this training; several are called in the order in which they were named."""
        ...
