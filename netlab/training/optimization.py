"""How weights are moved: optimizer, schedule and their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import nn

from netlab.engine.catalog import Part
from netlab.kinds.optimizer import GroupName, ParameterGroup
from netlab.pretrained import PretrainedNetwork
from netlab.training.schedule import Schedule

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """How a task's network is trained.

    ``optimizer(groups, lr=...)`` makes the optimizer. ``schedule(step, steps)`` gives the factor of the peak
    rate ``lr``; of a pretrained trunk's layers it is less, by ``trunk_rate`` and, going down from the last,
    by ``layer_rate`` each. ``clip`` is the norm down to which gradients are scaled; 0: never. ``seed`` is
    that of dropout and the like. ``callbacks`` go along with the steps.
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
    trunk_rate: float = 1.0
    layer_rate: float = 1.0
    callbacks: Sequence[Part] = ()

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of a network's parameters, with the peak of each group's rate as its ``peak_lr``."""
        groups = [
            group
            for rate, modules in self._modules_by_rate(network)
            for group in parameter_groups(modules, self.weight_decay, rate)
        ]
        optimizer = self.optimizer(groups, lr=self.lr)
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"] * group.get("rate", 1.0)
        return optimizer

    def _modules_by_rate(self, network: nn.Module) -> list[tuple[float, list[nn.Module]]]:
        """The network's layers by the factor of their rate, the head first."""
        if not isinstance(network, PretrainedNetwork) or self.trunk_rate == self.layer_rate == 1.0:
            return [(1.0, [network])]
        layers = list(network)
        found: list[tuple[float, list[nn.Module]]] = [(1.0, layers[network.trunk :])]
        learning = [place for place in network.learning_layers() if place >= network.frozen]
        for depth, place in enumerate(reversed(learning)):
            found.append((self.trunk_rate * self.layer_rate**depth, [layers[place]]))
        return found


def parameter_groups(
    modules: Sequence[nn.Module], weight_decay: float, rate: float = 1.0
) -> list[ParameterGroup]:
    """Filters of convolutions, weights of dense layers, and the rest (biases, norms) without weight decay.

    Parameters that do not learn are in no group.
    """
    members: dict[GroupName, list[nn.Parameter]] = {"filters": [], "dense": [], "rest": []}
    for module in chain.from_iterable(module.modules() for module in modules):
        for parameter in module.parameters(recurse=False):
            if parameter.requires_grad:
                members[group_of(module, parameter)].append(parameter)
    return [
        {
            "name": name,
            "params": params,
            "weight_decay": 0.0 if name == "rest" else weight_decay,
            "rate": rate,
        }
        for name, params in members.items()
    ]


def group_of(module: nn.Module, parameter: nn.Parameter) -> GroupName:
    """The group that a module's own parameter belongs to."""
    if parameter.ndim <= 1 or isinstance(module, NORMS):
        return "rest"
    return "filters" if parameter.ndim > 2 else "dense"
