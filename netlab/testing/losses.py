"""Checks of losses. Contract: ``netlab.kinds.loss``."""

from __future__ import annotations

import torch
from torch import Tensor

from netlab.errors import first_line
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.modules import expect_on_device

IMAGES, CLASSES = 12, 4
SHAPES = ((1, 4), (5, 2), (3, 100), (1, 2), (130, 10))  # images and classes
EXACT = 1e-5


def example(seed: int = 0, images: int = IMAGES, classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Logits (12, 4) and one-hot targets."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(images, classes, generator=generator)
    return outputs, torch.eye(classes)[torch.arange(images) % classes]


def mixed(targets: Tensor, share: float = 0.3) -> Tensor:
    """Targets as after an augmentation that mixes images."""
    return torch.lerp(targets, targets.roll(1, 0), share)


def exercise(subject: Subject) -> None:
    """A loss and its gradient, of one class an image and of mixed targets."""
    outputs, targets = example()
    for given in (targets, mixed(targets)):
        expect_scalar(subject, outputs, given)


def expect_scalar(subject: Subject, outputs: Tensor, targets: Tensor) -> float:
    """The loss, a finite scalar whose gradient is finite and not zero."""
    logits = outputs.clone().requires_grad_()
    loss = subject.build(logits * 1.0, targets)
    given = f"for {len(outputs)} images of {outputs.shape[1]} classes"
    expect(
        isinstance(loss, Tensor) and loss.shape == (),
        f"{given} it gave {describe(loss)}, not a scalar tensor",
    )
    expect(loss.dtype == outputs.dtype, f"{given} it gave {loss.dtype}, expected {outputs.dtype}")
    expect(bool(loss.isfinite()), f"{given} it gave {float(loss.detach()):g}")
    expect(loss.requires_grad, "it has no gradient: it was detached, or made of a Python number")
    loss.backward()
    expect(logits.grad is not None, "no gradient reaches the outputs")
    assert logits.grad is not None
    expect(bool(logits.grad.isfinite().all()), f"{given} the gradient is not finite")
    expect(bool(logits.grad.any()), f"{given} the gradient is zero")
    return float(loss.detach())


def describe(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def value_of(subject: Subject, outputs: Tensor, targets: Tensor) -> float:
    """The loss as a number, without gradients."""
    with torch.no_grad():
        return float(subject.build(outputs.clone(), targets.clone()))


def differ(first: float, second: float) -> bool:
    return abs(first - second) > EXACT * max(1, abs(first))


def scalar(subject: Subject) -> None:
    """It gives one finite number with a gradient, for one class an image and for mixed targets."""
    exercise(subject)


def any_shape(subject: Subject) -> None:
    """One image, two classes, a hundred classes work as well."""
    for images, classes in SHAPES:
        outputs, targets = example(images=images, classes=classes)
        try:
            expect_scalar(subject, outputs, targets)
        except ConformanceError:
            raise
        except Exception as error:
            raise ConformanceError(f"{images} images of {classes} classes: {first_line(error)}") from error


def mean(subject: Subject) -> None:
    """It is the mean of what the images alone cost: two batches together cost their mean, in any order."""
    outputs, targets = example()
    targets = mixed(targets)
    whole = value_of(subject, outputs, targets)
    turned = value_of(subject, outputs.flip(0), targets.flip(0))
    expect(
        not differ(whole, turned), f"the order of the images changes the loss from {whole:g} to {turned:g}"
    )
    twice = value_of(subject, outputs.repeat(2, 1), targets.repeat(2, 1))
    expect(not differ(whole, twice), f"a batch gives {whole:g}, the same twice {twice:g}: it is no mean")
    parts = slice(0, 5), slice(5, IMAGES)
    apart = sum(
        value_of(subject, outputs[part], targets[part]) * len(outputs[part]) / IMAGES for part in parts
    )
    expect(
        not differ(whole, apart),
        f"a batch gives {whole:g}, its parts on average {apart:g}: an image's loss depends on the others",
    )


def probabilities(subject: Subject) -> None:
    """Targets are class probabilities: other shares of two classes give another loss."""
    outputs, targets = example()
    values = [value_of(subject, outputs, mixed(targets, share)) for share in (0.2, 0.4)]
    expect(
        differ(*values),
        f"images mixed by 0.2 and by 0.4 both cost {values[0]:g}: it takes the most probable class for all",
    )


def prefers_the_truth(subject: Subject) -> None:
    """Right outputs cost less than wrong ones, for every class; a step down the gradient lowers the loss."""
    outputs, targets = example()
    for name, number in (("of all classes", None), *((f"of class {k}", k) for k in range(CLASSES))):
        given = targets if number is None else torch.eye(CLASSES)[[number]]
        right = value_of(subject, 4 * given, given)
        wrong = value_of(subject, -4 * given, given)
        expect(right < wrong, f"right outputs {name} cost {right:g}, wrong ones {wrong:g}")
        other = given.roll(1, 1)
        wrong = value_of(subject, 4 * other, given)
        expect(right < wrong, f"right outputs {name} cost {right:g}, outputs for the next class {wrong:g}")
    logits = outputs.clone().requires_grad_()
    loss = subject.build(logits, targets)
    loss.backward()
    expect(logits.grad is not None, "no gradient reaches the outputs")
    assert logits.grad is not None
    after = value_of(subject, outputs - 0.1 * logits.grad, targets)
    expect(after < float(loss.detach()), "a small step down the gradient does not lower the loss")


def extreme_logits(subject: Subject) -> None:
    """Logits of 1,000 give no NaN and no infinity, in loss and gradient."""
    _, targets = example()
    for sign in (1000.0, -1000.0):
        for given in (targets, mixed(targets)):
            logits = (sign * targets).requires_grad_()
            loss = subject.build(logits, given)
            loss.backward()
            assert logits.grad is not None
            expect(
                bool(loss.isfinite()) and bool(logits.grad.isfinite().all()),
                f"for logits of {sign:g} loss or gradient is not finite",
            )


def input_kept(subject: Subject) -> None:
    """Outputs and targets are not changed."""
    outputs, targets = example()
    before = outputs.clone(), targets.clone()
    with torch.no_grad():
        subject.build(outputs, targets)
    expect(torch.equal(outputs, before[0]) and torch.equal(targets, before[1]), "it changes what it is given")


def no_memory(subject: Subject) -> None:
    """The same batch costs the same, whatever was asked in between; in bf16 autocast nearly the same."""
    outputs, targets = example()
    first = value_of(subject, outputs, targets)
    value_of(subject, *example(seed=5, images=7))
    again = value_of(subject, outputs, targets)
    expect(first == again, f"the same batch cost {first:g}, and later {again:g}")
    with torch.autocast("cpu", torch.bfloat16):
        autocast = value_of(subject, outputs, targets)
    expect(
        abs(autocast - first) <= 0.05 * max(1, abs(first)),
        f"under bf16 autocast the loss is {autocast:g} instead of {first:g}",
    )


def device(subject: Subject) -> None:
    """On another device it works there: nothing that it makes is on the processor."""
    target, options = subject.component.load(), subject.options

    def call(name: str) -> object:
        outputs, targets = (torch.empty(IMAGES, CLASSES, device=name) for _ in range(2))
        return target(outputs, targets, options=options)

    expect_on_device(call)


CHECKS = (
    *exercised(exercise),
    scalar,
    any_shape,
    mean,
    probabilities,
    prefers_the_truth,
    extreme_logits,
    input_kept,
    no_memory,
    device,
)
