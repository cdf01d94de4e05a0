"""Checks of losses. Contract: ``netlab.kinds.loss``."""

from __future__ import annotations

import torch
from torch import Tensor

from netlab.testing.checks import Subject, expect

IMAGES, CLASSES = 12, 4


def example(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits (12, 4) and one-hot targets."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(IMAGES, CLASSES, generator=generator)
    return outputs, torch.eye(CLASSES)[torch.arange(IMAGES) % CLASSES]


def mixed(targets: Tensor) -> Tensor:
    """Targets as after an augmentation that mixes images."""
    return torch.lerp(targets, targets.roll(1, 0), 0.3)


def scalar(subject: Subject) -> None:
    """It gives one finite number with a gradient, for one class an image and for mixed targets."""
    outputs, targets = example()
    for given in (targets, mixed(targets)):
        logits = outputs.clone().requires_grad_()
        loss = subject.build(logits, given)
        expect(
            isinstance(loss, Tensor) and loss.shape == (), f"it gave {describe(loss)}, not a scalar tensor"
        )
        expect(bool(loss.isfinite()), f"it gave {float(loss.detach()):g}")
        loss.backward()
        expect(logits.grad is not None, "no gradient reaches the outputs")
        assert logits.grad is not None
        expect(bool(logits.grad.isfinite().all()), "the gradient is not finite")


def describe(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def mean(subject: Subject) -> None:
    """It is a mean: the same images twice give the same loss, and their order does not matter."""
    outputs, targets = example()
    once = float(subject.build(outputs, targets))
    twice = float(subject.build(outputs.repeat(2, 1), targets.repeat(2, 1)))
    turned = float(subject.build(outputs.flip(0), targets.flip(0)))
    expect(abs(once - twice) <= 1e-5 * max(1, abs(once)), f"a batch gives {once:g}, the same twice {twice:g}")
    expect(abs(once - turned) <= 1e-5 * max(1, abs(once)), "the order of the images changes the loss")


def prefers_the_truth(subject: Subject) -> None:
    """Right outputs cost less than wrong ones, and a step down the gradient lowers the loss."""
    outputs, targets = example()
    right, wrong = float(subject.build(4 * targets, targets)), float(subject.build(-4 * targets, targets))
    expect(right < wrong, f"right outputs cost {right:g}, wrong ones {wrong:g}")
    logits = outputs.clone().requires_grad_()
    loss = subject.build(logits, targets)
    loss.backward()
    assert logits.grad is not None
    after = float(subject.build(outputs - 0.1 * logits.grad, targets))
    expect(after < float(loss.detach()), "a small step down the gradient does not lower the loss")


def extreme_logits(subject: Subject) -> None:
    """Logits of 1,000 give no NaN and no infinity, in loss and gradient."""
    _, targets = example()
    for sign in (1000.0, -1000.0):
        logits = (sign * targets).requires_grad_()
        loss = subject.build(logits, targets)
        loss.backward()
        assert logits.grad is not None
        expect(
            bool(loss.isfinite()) and bool(logits.grad.isfinite().all()),
            f"for logits of {sign:g} loss or gradient is not finite",
        )


def input_kept(subject: Subject) -> None:
    """Outputs and targets are not changed, and the global generator is not used."""
    outputs, targets = example()
    before, state = (outputs.clone(), targets.clone()), torch.random.get_rng_state()
    subject.build(outputs, targets)
    expect(torch.equal(outputs, before[0]) and torch.equal(targets, before[1]), "it changes what it is given")
    expect(torch.equal(torch.random.get_rng_state(), state), "it draws from the global generator")


CHECKS = (scalar, mean, prefers_the_truth, extreme_logits, input_kept)
