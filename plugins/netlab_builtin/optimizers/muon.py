"""Muon: the momentum of a filter bank made orthogonal, and SGD for what is no filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from netlab.kinds.optimizer import ParameterGroup
from netlab_builtin.optimizers.options import MuonOptions

# The quintic that raises all singular values of a matrix of norm 1 to about 1 (.7 to 1.2) in few steps.
QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """SGD with momentum, whose step is made orthogonal in groups that say ``orthogonal``.

    A filter bank (out, in, kh, kw) is taken as a matrix (out, in kh kw).
    """

    def __init__(self, groups: Sequence[dict[str, Any]], *, lr: float, iterations: int) -> None:
        self.iterations = iterations
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make a step along the gradients that are there."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return loss

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        momentum = group["momentum"]
        if not group["orthogonal"] and group["weight_decay"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer = state["momentum_buffer"].mul_(momentum).add_(gradient)
        update = gradient.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        if not group["orthogonal"]:
            parameter.add_(update, alpha=-group["lr"])
            return
        if group["weight_decay"]:  # decoupled: the orthogonal step has no size that a penalty could act on
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        matrix = update.reshape(len(update), -1)
        # The step's root mean square is then about that of a row, whatever the shape.
        scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        step = orthogonalized(matrix, self.iterations).view_as(update)
        parameter.add_(step, alpha=-group["lr"] * scale)
        if group["normalize"]:
            parameter.mul_(len(parameter) ** 0.5 / (parameter.norm() + 1e-7))


def orthogonalized(matrix: Tensor, iterations: int) -> Tensor:
    """A matrix with the singular vectors of ``matrix`` (M, N) and singular values of about 1, float32.

    Newton-Schulz: X = a X + (b A + c A²) X with A = X Xᵀ, from X of Frobenius norm 1. A zero matrix stays 0.
    """
    a, b, c = QUINTIC
    x = matrix.float() / (matrix.float().norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:  # the smaller product
        x = x.T
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def muon(groups: Sequence[ParameterGroup], *, lr: float, options: MuonOptions) -> torch.optim.Optimizer:
    """``w = w - lr O(g + momentum v)`` for filters, O the nearest orthogonal matrix, about; SGD for the rest.

    With ``normalize`` a filter bank keeps the norm ``sqrt(out)``, so that its rate means the same all along;
    it is for filters before a norm, which gives its output a scale.

    Usual rates are .1 to .3. Source: Jordan et al. 2024 (kellerjordan.github.io/posts/muon).
    """
    settings = {
        True: {"momentum": options.momentum, "nesterov": options.nesterov, "lr": lr},
        False: {"momentum": options.rest_momentum, "nesterov": True, "lr": lr * options.rest_lr},
    }
    return Muon(
        [
            {
                **group,
                "orthogonal": group["name"] == "filters",
                "normalize": options.normalize,
                **settings[group["name"] == "filters"],
            }
            for group in groups
        ],
        lr=lr,
        iterations=options.iterations,
    )
