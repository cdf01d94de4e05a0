"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from netlab.kinds.optimizer import ParameterGroup
from netlab_builtin.optimizers.options import SgdOptions


def sgd(groups: Sequence[ParameterGroup], *, lr: float, options: SgdOptions) -> torch.optim.Optimizer:
    """``v = momentum v + g``, ``w = w - lr v``; with Nesterov's momentum ``w = w - lr (g + momentum v)``.

    The gradient ``g`` has ``weight_decay w`` added. Source: Sutskever et al. 2013, as ``torch.optim.SGD``
    has it.
    """
    return torch.optim.SGD(
        [dict(group) for group in groups],
        lr=lr,
        momentum=options.momentum,
        nesterov=options.nesterov and options.momentum > 0,
    )
