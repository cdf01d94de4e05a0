"""How the modules of a kind are made for the checks that all modules share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netlab.testing.checks import CheckFunction, Subject, expect
from netlab.testing.modules import expect_shape, mode, run, tracked, weighted_sum


@dataclass(frozen=True, slots=True)
class ModuleCase:
    """How a module of a kind is made, what it is given and what shape that becomes.

    ``build(subject, seed=0)`` draws weights from the seed; ``sample(count, seed=0)`` are inputs float32;
    ``mixes`` says that in training an output may depend on the other images, as of a batch norm.
    """

    build: Callable[..., nn.Module]
    sample: Callable[..., Tensor]
    shape: Callable[[tuple[int, ...]], tuple[int, ...]]
    mixes: bool = False
    bf16: float = 0.1  # share of the deviation that bfloat16 may add


def is_pretrained(subject: Subject) -> bool:
    """Whether a backbone comes with weights, and so with norms and blocks of its own."""
    return "pretrained" in subject.component.spec.tags


def exercise(case: ModuleCase, subject: Subject) -> None:
    """A step of training and one of evaluation."""
    module, x = case.build(subject), case.sample(2)
    torch.autograd.backward(weighted_sum(module.train()(tracked(x))))
    for training in (True, False):
        output = expect_shape(run(module, x, training=training), case.shape(tuple(x.shape)), "for the input")
        expect(output.isfinite().all(), f"{mode(training)} the output is not finite")


def bind(function: Callable[[Any, Subject], None], case: Any) -> CheckFunction:
    """A check of a subject, of a function of a case and a subject."""

    def check(subject: Subject) -> None:
        function(case, subject)

    check.__name__, check.__doc__ = function.__name__, function.__doc__
    return check
