"""How large the gradients are, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from netlab.kinds.callback import Training, TrainingCallback


class GradientNorm(TrainingCallback):
    """Adds two columns to ``history.csv``: mean and maximum over the epoch's steps of the Euclidean norm of
    all gradients together, before ``--clip``.

    A rising maximum foretells that a rate is too high; the mean says which ``--clip`` would cut in.
    """

    columns = ("gradient_norm", "gradient_norm_max")

    def __init__(self, training: Training, *, options: Any = None) -> None:
        self._parameters = list(training.network.parameters())
        self._norms: list[torch.Tensor] = []

    def gradients_ready(self, step: int, again: Callable[[], None]) -> None:
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._norms.append(torch.nn.utils.get_total_norm(gradients))

    def epoch_finished(self, epoch: int) -> dict[str, float]:
        norms = torch.stack(self._norms).double()
        self._norms.clear()
        return {"gradient_norm": norms.mean().item(), "gradient_norm_max": norms.max().item()}
