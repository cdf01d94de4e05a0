"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from netlab.kinds.optimizer import ParameterGroup
from netlab_builtin.optimizers.options import AdamWOptions


def adamw(groups: Sequence[ParameterGroup], *, lr: float, options: AdamWOptions) -> torch.optim.Optimizer:
    """A step along the mean gradient over the root of the mean square; weights shrink by ``lr weight_decay``.

    Usual rates are .001 to .003, a hundredth of SGD's. Source: Loshchilov and Hutter 2019, algorithm 2, as
    ``torch.optim.AdamW`` has it.
    """
    return torch.optim.AdamW(
        [dict(group) for group in groups], lr=lr, betas=(options.beta1, options.beta2), eps=options.eps
    )
