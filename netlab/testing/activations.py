"""Checks of activations. Contract: ``netlab.kinds.activation``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netlab.testing.checks import Subject, expect
from netlab.testing.module_case import ModuleCase
from netlab.testing.module_checks import module_checks
from netlab.testing.modules import expect_module, expect_shape, run, sample, seeded

FAR = 100.0  # where the exponential of a float32 is infinite


def build(subject: Subject, seed: int = 0) -> nn.Module:
    """A new activation; what it draws is drawn from ``seed``."""
    seeded(seed)
    return expect_module(subject.build())


def maps(count: int, seed: int = 0) -> Tensor:
    """Feature maps (count, 8, 5, 7)."""
    return sample(count, 8, (5, 7), seed)


def shape(subject: Subject) -> None:
    """The output has the shape of the input, in four dimensions, in two, and for one number."""
    activation = build(subject)
    for x in (maps(4), sample(4, 8, (1, 1)).flatten(1), maps(1)[:, :1, :1, :1]):
        expect_shape(run(activation, x), tuple(x.shape), f"for input {tuple(x.shape)}")


def keeps_bfloat16(subject: Subject) -> None:
    """bfloat16 stays bfloat16, as under autocast, also where the activation has parameters."""
    x = maps(2).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        output = run(build(subject), x)
    expect(output.dtype == x.dtype, f"under bf16 autocast {x.dtype} became {output.dtype}")


def element_by_element(subject: Subject) -> None:
    """A changed element of the input changes no other element of the output."""
    activation, x = build(subject).eval(), maps(4)
    changed = x.clone()
    changed[1, 2, 3, 4] += 1.0
    differs = run(activation, x) != run(activation, changed)
    differs[1, 2, 3, 4] = False
    expect(not differs.any(), "an element of the output depends on other elements of the input")


def everywhere(subject: Subject) -> None:
    """Output and gradient are finite at 0, at -100 and at 100."""
    for value in (0.0, FAR, -FAR):
        x = torch.full((1, 8, 2, 2), value, requires_grad=True)
        output = build(subject)(x * 1.0)
        expect(output.isfinite().all(), f"at {value:g} the output is {float(output.detach().flatten()[0]):g}")
        output.sum().backward()
        assert x.grad is not None
        expect(x.grad.isfinite().all(), f"at {value:g} the gradient is {float(x.grad.flatten()[0]):g}")


CHECKS = (
    *module_checks(ModuleCase(build, maps, lambda shape: shape)),
    shape,
    keeps_bfloat16,
    element_by_element,
    everywhere,
)
