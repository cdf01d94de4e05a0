"""Checks of what a module gives in a forward pass: types, memory, devices, other images."""

from __future__ import annotations

import torch

from netlab.errors import NetlabError, first_line
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.module_case import ModuleCase, is_pretrained
from netlab.testing.modules import (
    apart,
    mode,
    noise,
    on_device,
    run,
    tensors_of,
    tracked,
    weighted_sum,
)  # fmt: skip

EXACT = 1e-4  # what float32 sums in another order may differ by, relative to the largest value


def dtype(case: ModuleCase, subject: Subject) -> None:
    """float32 gives float32, and nothing is float64."""
    module, x = case.build(subject), case.sample(2)
    for training in (True, False):
        output = run(module, x, training=training)
        expect(output.dtype == x.dtype, f"{mode(training)} {x.dtype} became {output.dtype}")
    doubles = [name for name, value in tensors_of(module).items() if value.dtype == torch.float64]
    expect(not doubles, f"float64, which is slow and not on every device: {', '.join(doubles)}")


def autocast(case: ModuleCase, subject: Subject) -> None:
    """Under bf16 autocast, channels last, a step of training works; the output is near that in float32."""
    module, x = case.build(subject), case.sample(4)
    last = torch.channels_last if x.ndim == 4 else torch.contiguous_format
    module, x = module.to(memory_format=last), x.to(memory_format=last)
    reference = run(module, x)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            output = run(module, x)
            trained = module.train()(tracked(x))
        torch.autograd.backward(weighted_sum(trained.float()))
    except (RuntimeError, TypeError, ValueError, IndexError, NetlabError) as error:
        raise ConformanceError(f"under bf16 autocast it fails: {first_line(error)}") from error
    expect(output.is_floating_point(), f"under bf16 autocast it gave {output.dtype}")
    distance = noise(output.float(), reference)
    expect(
        distance <= case.bf16 or is_pretrained(subject),
        f"under bf16 autocast the output is off that in float32 by a share of {distance:.2g}",
    )
    for name, parameter in module.named_parameters():
        finite = parameter.grad is None or bool(parameter.grad.isfinite().all())
        expect(finite, f"under bf16 autocast the gradient of '{name}' is not finite")


def channels_last(case: ModuleCase, subject: Subject) -> None:
    """Images whose channels come last in memory give what images in rows give."""
    x = case.sample(3)
    if x.ndim != 4:
        raise NotApplicable("its input is no image")
    for training in (False, True):
        reference = run(case.build(subject), x, training=training)
        module = case.build(subject).to(memory_format=torch.channels_last)
        given = x.contiguous(memory_format=torch.channels_last)
        try:
            output = run(module, given, training=training)
        except RuntimeError as error:
            raise ConformanceError(f"with channels last in memory it fails: {first_line(error)}") from error
        distance = apart(output, reference)
        expect(
            distance <= EXACT, f"{mode(training)}, channels last in memory give values {distance:.2g} apart"
        )


def device(case: ModuleCase, subject: Subject) -> None:
    """Moved to another device it works there: no tensor stays behind, none is made on the processor."""
    for training in (False, True):
        on_device(case.build(subject), case.sample(4), training=training)


def determinism(case: ModuleCase, subject: Subject) -> None:
    """In evaluation an input gives the same output, whatever was computed in between, and state stays."""
    module = case.build(subject).eval()
    before = {name: value.clone() for name, value in tensors_of(module).items()}
    x, other = case.sample(4), case.sample(4, seed=3)
    first = run(module, x, seed=3)
    kept = first.clone()
    second = run(module, x, seed=4)
    expect(torch.equal(kept, second), "in evaluation the same input gave two outputs")
    run(module, other, seed=5)
    expect(torch.equal(first, kept), "a later forward pass wrote into the output of an earlier one")
    expect(torch.equal(kept, run(module, x, seed=3)), "in evaluation an output depends on the inputs before")
    for name, value in tensors_of(module).items():
        if name in before:
            expect(torch.equal(value, before[name]), f"evaluation changed '{name}'")
    expect(not any(part.training for part in module.modules()), "after eval() a part of it is in training")


def input_kept(case: ModuleCase, subject: Subject) -> None:
    """The input is not changed in place: a skip connection may still need it."""
    for training in (False, True):
        x = case.sample(4)
        before = x.clone()
        run(case.build(subject), x, training=training)
        expect(torch.equal(x, before), f"{mode(training)} it changes its input in place")


def independent_images(case: ModuleCase, subject: Subject) -> None:
    """An image's output does not depend on the others of its batch; in training, with no norm."""
    module, x = case.build(subject), case.sample(4)
    run(module, x, training=True)
    together = run(module, x)
    alone = torch.cat([run(module, image[None]) for image in x])
    distance = apart(together, alone)
    expect(distance <= EXACT, f"in evaluation an image alone gives another output: {distance:.2g} apart")
    distance = apart(run(module, x.flip(0)).flip(0), together)
    expect(distance <= EXACT, f"in evaluation the order of the images matters: {distance:.2g} apart")
    if case.mixes or is_pretrained(subject) or "own-norms" in subject.component.spec.tags:
        return
    others = x.clone()
    others[1:] = case.sample(4, seed=8)[1:] + 1
    first, second = (run(case.build(subject), given, training=True)[:1] for given in (x, others))
    distance = apart(first, second)
    expect(distance <= EXACT, f"in training an image's output depends on the others: {distance:.2g} apart")
