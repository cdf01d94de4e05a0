"""How weights are moved: optimizer, schedule and their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from netlab.engine.catalog import Part
from netlab.kinds.optimizer import GroupName, ParameterGroup
from netlab.training.schedule import Schedule

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a task's network is trained.

    ``optimizer(groups, lr=...)`` makes the optimizer. ``schedule(step, steps)`` gives the factor of the peak
    rate ``lr``. ``clip`` is the norm down to which gradients are scaled; 0: never. ``seed`` is that of
    dropout and the like. ``callbacks`` go along with the steps.
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
    callbacks: Sequence[Part] = ()

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of a network's parameters, with the peak of each group's rate as its ``peak_lr``."""
        optimizer = self.optimizer(parameter_groups(network, self.weight_decay), lr=self.lr)
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
        return optimizer


def parameter_groups(network: nn.Module, weight_decay: float) -> list[ParameterGroup]:
    """Filters of convolutions, weights of dense layers, and the rest (biases, norms) without weight decay."""
    members: dict[GroupName, list[nn.Parameter]] = {"filters": [], "dense": [], "rest": []}
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            members[group_of(module, parameter)].append(parameter)
    return [
        {"name": name, "params": params, "weight_decay": 0.0 if name == "rest" else weight_decay}
        for name, params in members.items()
    ]


def group_of(module: nn.Module, parameter: nn.Parameter) -> GroupName:
    """The group that a module's own parameter belongs to."""
    if parameter.ndim <= 1 or isinstance(module, NORMS):
        return "rest"
    return "filters" if parameter.ndim > 2 else "dense"
