"""What is trained: a task says what a step is, what is measured after an epoch, and what is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from netlab.training.checkpoint import Progress


@dataclass(frozen=True, slots=True)
class StepLoss:
    """What a batch gave.

    ``loss`` is minimised: shape (), differentiable. Of several processes each gives that of its share of the
    batch, so scaled that the mean over the processes is the loss of the whole batch.
    ``figures``: sums over ``count`` things, shape (), by column of the history; what an epoch records is the
    sum over its steps and all processes, divided by the sum of the counts. The first is shown at every step.
    """

    loss: Tensor
    figures: Mapping[str, Tensor]
    count: int


class Task(Protocol):
    """A network with what it learns from. ``batch_size`` counts things of ``unit``, in all processes."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def columns(self) -> Sequence[str]:
        """Of ``history.csv``; among them ``epoch``, ``lr`` and ``seconds``."""

    @property
    def steps_per_epoch(self) -> int: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def unit(self) -> str: ...

    def batches(self, epoch: int) -> Iterable[Any]:
        """This process's share of the batches of epoch ``epoch`` (from 1), ``steps_per_epoch`` of them.

        A function of the seed and the epoch, and of what ``state`` keeps. Called before the network is put
        into training mode, so that hard examples can be looked for first.
        """

    def loss(self, network: Callable[..., Any], batch: Any) -> StepLoss:
        """The loss of a batch by ``network``: the task's own, perhaps compiled or wrapped for several
        processes."""

    def measure(self, epoch: int, seconds: float) -> Mapping[str, float]:
        """The other columns of the epoch's row; ``seconds`` were spent on its steps.

        Raises:
            NetlabError: the network is ruined, and its weights are not worth keeping.
        """

    def score(self, row: Mapping[str, float]) -> tuple[float, ...] | None:
        """How good the epoch of a row is, more being better; None: the last weights are those that count."""

    def is_over(self, progress: Progress) -> bool:
        """Whether to stop before the last epoch."""

    def state(self) -> Mapping[str, Tensor]:
        """What a checkpoint must hold beside weights, optimizer and progress."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what ``state`` gave. KeyError or ValueError where it does not fit."""
