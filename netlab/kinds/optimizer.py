"""Optimizers: how a step changes the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

if TYPE_CHECKING:
    import torch
    from torch import nn

GroupName = Literal["filters", "dense", "rest"]


class ParameterGroup(TypedDict):
    """Parameters that are alike, as ``torch.optim`` takes them.

    ``name`` says which: ``filters`` are the weights of convolutions, ``dense`` those of linear layers and
    other matrices, ``rest`` biases and all parameters of normalization layers. ``weight_decay`` is the
    user's for the first two and 0 for the rest. No parameter stands in two groups; a group may be empty. Of a
    pretrained network there are three such groups a layer: netlab multiplies their rates by ``rate``.
    """

    name: GroupName
    params: list[nn.Parameter]
    weight_decay: float
    rate: float


class Optimizer(Protocol):
    """An optimizer component.

    The tag ``lr:VALUE`` in its ``ComponentSpec`` gives the peak rate that is used with it where neither the
    user nor the recipe gives one.
    """

    def __call__(self, groups: Sequence[ParameterGroup], *, lr: float, options: Any) -> torch.optim.Optimizer:
        """The optimizer of these parameters.

        ``lr`` > 0 is the peak of the schedule. Before every step netlab sets ``lr`` of each group to its
        value at this call times the schedule's factor, so a group may be given a rate of its own.

        All state between steps must be tensors in ``state[parameter]``, by which netlab saves and restores
        it, and no step may draw random numbers.
        """
        ...
