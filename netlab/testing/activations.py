"""Checks of activations. Contract: ``netlab.kinds.activation``."""

from __future__ import annotations

import torch
from torch import nn

from netlab.testing.checks import Subject, expect
from netlab.testing.modules import (
    expect_determinism,
    expect_gradients,
    expect_module,
    expect_shape,
    expect_state_round_trip,
    sample,
    seeded,
)

SHAPE = (4, 8, 5, 7)


def build(subject: Subject, seed: int = 0) -> nn.Module:
    """A new activation; what it draws is drawn from ``seed``."""
    seeded(seed)
    return expect_module(subject.build())


def shape(subject: Subject) -> None:
    """The output has the shape and dtype of the input, in four dimensions and in two; bf16 autocast works."""
    activation = build(subject)
    for x in (sample(4, 8, (5, 7)), sample(4, 8, (1, 1)).flatten(1)):
        with torch.no_grad():
            output = expect_shape(activation(x), tuple(x.shape), f"for input {tuple(x.shape)}")
        expect(output.dtype == x.dtype, f"for {x.dtype} it gave {output.dtype}")
    x = sample(4, 8, (5, 7))
    convolution = nn.Conv2d(8, 8, 1)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expect_shape(activation(convolution(x)), tuple(x.shape), "under bf16 autocast")


def element_by_element(subject: Subject) -> None:
    """A changed element of the input changes no other element of the output."""
    activation, x = build(subject).eval(), sample(4, 8, (5, 7))
    changed = x.clone()
    changed[1, 2, 3, 4] += 1.0
    outputs = []
    for given in (x, changed):
        seeded(1)
        with torch.no_grad():
            outputs.append(activation(given))
    differs = outputs[0] != outputs[1]
    differs[1, 2, 3, 4] = False
    expect(not differs.any(), "an element of the output depends on other elements of the input")


def gradients(subject: Subject) -> None:
    """Finite gradients reach the input and every parameter."""
    expect_gradients(build(subject), sample(4, 8, (5, 7)))


def input_kept(subject: Subject) -> None:
    """The input is not changed in place: a skip connection may still need it."""
    x = sample(4, 8, (5, 7))
    before = x.clone()
    with torch.no_grad():
        build(subject)(x)
    expect(torch.equal(x, before), "it changes its input in place")


def own_module(subject: Subject) -> None:
    """Every call gives a module of its own."""
    first, second = build(subject), build(subject)
    expect(first is not second, "two calls gave the same module")
    shared = {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}
    expect(not shared, "two modules share a parameter")


def determinism(subject: Subject) -> None:
    """In evaluation the same input gives the same output."""
    expect_determinism(build(subject), sample(4, 8, (5, 7)))


def state_dict(subject: Subject) -> None:
    """A second activation with the first one's state dict computes the same."""
    expect_state_round_trip(build(subject), build(subject, seed=9), sample(4, 8, (5, 7)))


CHECKS = (shape, element_by_element, gradients, input_kept, own_module, determinism, state_dict)
