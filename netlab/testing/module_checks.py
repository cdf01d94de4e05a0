"""The checks that all modules share: what they learn and keep, and those of a forward pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from netlab.errors import first_line
from netlab.testing.checks import CheckFunction, ConformanceError, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.forward_checks import (
    autocast,
    channels_last,
    determinism,
    device,
    dtype,
    independent_images,
    input_kept,
)  # fmt: skip
from netlab.testing.module_case import ModuleCase, bind, exercise, is_pretrained
from netlab.testing.modules import (
    copied,
    mode,
    run,
    seeded,
    shake,
    tensors_of,
    tracked,
    weighted_sum,
)

TRIES = 4  # a path that is dropped at random gets its gradient at one of them
RANDOM = 0.9  # of a parameter's values are different numbers: then they were drawn


def seeds(case: ModuleCase, subject: Subject) -> None:
    """One seed of PyTorch gives the same weights, another seed others, if they are drawn at all."""
    first, again, other = (case.build(subject, seed=seed).state_dict() for seed in (0, 0, 1))
    expect(first.keys() == again.keys(), "two builds have different parameters")
    for name, value in first.items():
        expect(torch.equal(value, again[name]), f"the same seed gave two values of '{name}'")
    learnt = {name for name, p in case.build(subject, seed=0).named_parameters() if p.requires_grad}
    drawn = {
        name for name, value in first.items()
        if name in learnt and value.numel() >= 16 and len(value.unique()) > RANDOM * value.numel()
    }  # fmt: skip
    expect(
        not drawn
        or is_pretrained(subject)
        or any(not torch.equal(first[name], other[name]) for name in drawn),
        "another seed gives the same weights: they are drawn from a seed of its own",
    )


def gradients(case: ModuleCase, subject: Subject) -> None:
    """Finite gradients reach the input and every parameter, and are not all zero."""
    module = case.build(subject)
    shake(module)
    waiting = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    missing: set[str] = set()
    for attempt in range(TRIES):
        x = case.sample(4, seed=attempt).requires_grad_()
        module.zero_grad(set_to_none=True)
        seeded(attempt)
        output = module.train()(x * 1.0)
        expect(output.requires_grad, "no gradient reaches the input: its output is detached")
        torch.autograd.backward(weighted_sum(output))
        expect(x.grad is not None, "no gradient reaches the input")
        assert x.grad is not None
        expect(x.grad.isfinite().all(), "the gradient of the input is not finite")
        for name, parameter in module.named_parameters():
            if parameter.grad is None:
                missing.add(name)
                continue
            missing.discard(name)
            expect(parameter.grad.isfinite().all(), f"the gradient of parameter '{name}' is not finite")
            if parameter.grad.any():
                waiting.discard(name)
        if not waiting and x.grad.any():
            return
    for name in sorted(waiting):
        what = "no gradient reaches" if name in missing else "the gradient is always zero of"
        expect(False, f"{what} parameter '{name}'")
    expect(False, "the gradient of the input is always zero")


def steps(case: ModuleCase, subject: Subject) -> None:
    """Two steps of training work, one after the other."""
    module = case.build(subject)
    for step in range(2):
        try:
            torch.autograd.backward(weighted_sum(module.train()(tracked(case.sample(4, seed=step)))))
        except (RuntimeError, ValueError) as error:
            raise ConformanceError(
                f"step {step + 1} of training fails, as if something of the step before was kept with its"
                f" graph (detach it): {first_line(error)}"
            ) from error
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=1e-4)
        module.zero_grad(set_to_none=True)


def parameters_kept(case: ModuleCase, subject: Subject) -> None:
    """A forward pass adds no parameter and changes none: the optimizer has them already."""
    module = case.build(subject)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    keys = set(module.state_dict())
    for training in (True, False):
        run(module, case.sample(4), training=training)
        now = dict(module.named_parameters())
        added = sorted(set(now) ^ set(before) | set(module.state_dict()) ^ keys)
        expect(not added, f"a forward pass {mode(training)} added or removed {', '.join(added)}")
        for name, value in before.items():
            expect(torch.equal(now[name], value), f"a forward pass {mode(training)} changed '{name}'")


def state_dict(case: ModuleCase, subject: Subject) -> None:
    """A second module with the first one's state dict computes the same, in evaluation and in training."""
    first, second = case.build(subject, seed=0), case.build(subject, seed=9)
    for seed in range(2):  # running statistics are state too
        run(first, 4 * case.sample(4, seed=seed), training=True)
    saved = {name: value.clone() for name, value in first.state_dict().items()}
    try:
        second.load_state_dict(saved)
    except RuntimeError as error:
        raise ConformanceError(f"load_state_dict fails: {first_line(error)}") from error
    for training in (False, True):
        outputs = [run(module, case.sample(4), training=training) for module in (first, second)]
        expect(
            torch.equal(*outputs),
            f"after load_state_dict the output {mode(training)} differs: something is neither a parameter"
            " nor a saved buffer",
        )


def own_module(case: ModuleCase, subject: Subject) -> None:
    """Every call gives a module of its own, untouched by what another one learns."""
    first, second = case.build(subject), case.build(subject, seed=1)
    expect(first is not second, "two calls gave the same module")
    held = {id(part) for part in first.modules()} | {id(value) for value in tensors_of(first).values()}
    shared = [name for name, part in second.named_modules() if id(part) in held and name]
    shared += [name for name, value in tensors_of(second).items() if id(value) in held]
    expect(not shared, f"two modules share {', '.join(shared[:3])}")
    before = run(first, case.sample(4))
    run(second, 3 + case.sample(4, seed=7), training=True)
    expect(
        torch.equal(before, run(first, case.sample(4))),
        "after another module was trained, the output of this one differs",
    )


def copies(case: ModuleCase, subject: Subject) -> None:
    """copy.deepcopy gives a module that computes the same and shares nothing."""
    module, x = case.build(subject), case.sample(4)
    copy = copied(module)
    before = run(module, x)
    expect(torch.equal(before, run(copy, x)), "a copy computes something else")
    shake(copy)
    expect(torch.equal(before, run(module, x)), "changing the weights of a copy changes the original")
    same = case.build(subject, seed=2)
    same.load_state_dict(copy.state_dict())
    expect(torch.equal(run(same, x), run(copy, x)), "a copy still computes with the weights of the original")


MODULE_CHECKS: tuple[Callable[[ModuleCase, Subject], None], ...] = (
    dtype,
    autocast,
    channels_last,
    device,
    seeds,
    gradients,
    steps,
    parameters_kept,
    state_dict,
    determinism,
    input_kept,
    own_module,
    copies,
    independent_images,
)


def module_checks(case: ModuleCase) -> tuple[CheckFunction, ...]:
    """The checks of modules, bound to how those of a kind are made."""
    return (
        *exercised(partial(exercise, case), seeded=True),
        *(bind(function, case) for function in MODULE_CHECKS),
    )
