"""How weights are moved: optimizer, schedule and their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import nn

from netlab.training.schedule import Schedule

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


class ParameterGroup(TypedDict):
    """Parameters that share a weight decay: ``weights`` or ``biases and norms``."""

    name: str
    params: list[nn.Parameter]
    weight_decay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a task's network is trained.

    ``optimizer(groups, lr=...)`` makes the optimizer. ``schedule(step, steps)`` gives the factor of the peak
    rate ``lr``. ``clip`` is the norm down to which gradients are scaled; 0: never. ``seed`` is that of
    dropout and the like.
    """

    epochs: int
    lr: float
    optimizer: Callable[..., torch.optim.Optimizer]
    schedule: Schedule
    seed: int
    weight_decay: float = 0.0
    clip: float = 0.0
    compile: bool = False
    deterministic: bool = False

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of a network's parameters, at the peak rate."""
        return self.optimizer(parameter_groups(network, self.weight_decay), lr=self.lr)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[ParameterGroup]:
    """Weight decay only on weights of convolutions and dense layers, not on biases and norms."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            is_free = parameter.ndim <= 1 or isinstance(module, NORMS)
            (free if is_free else decayed).append(parameter)
    return [
        {"name": "weights", "params": decayed, "weight_decay": weight_decay},
        {"name": "biases and norms", "params": free, "weight_decay": 0.0},
    ]
