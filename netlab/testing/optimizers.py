"""Checks of optimizers. Contract: ``netlab.kinds.optimizer``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netlab.kinds.optimizer import ParameterGroup
from netlab.testing.checks import Subject, expect
from netlab.testing.exercised import exercised

LR = 0.01


def make_groups(
    decay: float = 0.0, memory: torch.memory_format = torch.contiguous_format
) -> list[ParameterGroup]:
    """Filters, a dense weight and a bias, drawn from a seed; filters in this memory format."""
    generator = torch.Generator().manual_seed(0)
    filters, dense, bias = (
        nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((6, 4, 3, 3), (5, 6), (5,))
    )
    filters.data = filters.data.contiguous(memory_format=memory)
    return [
        {"name": "filters", "params": [filters], "weight_decay": decay, "rate": 1.0},
        {"name": "dense", "params": [dense], "weight_decay": decay, "rate": 1.0},
        {"name": "rest", "params": [bias], "weight_decay": 0.0, "rate": 1.0},
    ]


def parameters_of(groups: list[ParameterGroup]) -> list[nn.Parameter]:
    return [parameter for group in groups for parameter in group["params"]]


def build(subject: Subject, groups: list[ParameterGroup], lr: float = LR) -> torch.optim.Optimizer:
    """The optimizer of these groups."""
    optimizer = subject.build(groups, lr=lr)
    expect(
        isinstance(optimizer, torch.optim.Optimizer),
        f"it gave {type(optimizer).__name__}, not a torch.optim.Optimizer",
    )
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer


def take_steps(
    optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], first: int, last: int
) -> float:
    """Steps down the sum of squares of the parameters' distance to 1; gives the last one's loss."""
    loss = torch.zeros(())
    for step in range(first, last):
        scale = 1 + 0.1 * (step % 3)
        loss = torch.stack([(parameter - 1).square().sum() for parameter in parameters]).sum() * scale
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return float(loss.detach())


def exercise(subject: Subject) -> None:
    """Three steps leave finite parameters."""
    groups = make_groups(decay=0.1)
    take_steps(build(subject, groups), parameters_of(groups), 0, 3)
    for parameter in parameters_of(groups):
        expect(bool(parameter.isfinite().all()), "after three steps a parameter is not finite")


def every_parameter(subject: Subject) -> None:
    """The optimizer holds exactly the parameters that it was given, and leaves the groups as they were."""
    groups = make_groups(decay=0.1)
    before = [dict(group) for group in groups]
    optimizer = build(subject, groups)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    expect([dict(group) for group in groups] == before, "it changes the groups that it is given: copy them")
    expect(
        sorted(held) == sorted(id(p) for p in parameters_of(groups)),
        "it does not hold every parameter of the groups exactly once",
    )


def descends(subject: Subject) -> None:
    """Sixty steps lower the loss of a quadratic, and every parameter moves and stays a float32 parameter."""
    groups = make_groups()
    parameters = parameters_of(groups)
    before = [parameter.detach().clone() for parameter in parameters]
    optimizer = build(subject, groups)
    first = take_steps(optimizer, parameters, 0, 1)
    last = take_steps(optimizer, parameters, 1, 61)
    expect(last < first, f"the loss rose from {first:g} to {last:g}")
    for name, old, new in zip(("filters", "dense", "rest"), before, parameters, strict=True):
        expect(not torch.equal(old, new), f"the parameters of group '{name}' did not move")
        expect(
            new.dtype == old.dtype and new.shape == old.shape and new.requires_grad and new.is_leaf,
            f"a parameter of group '{name}' is no longer one: {new.dtype} {tuple(new.shape)}",
        )


def rate(subject: Subject) -> None:
    """A rate of 0 moves nothing, in one group or in all: the rate in the group is the one that is used."""
    names = ("filters", "dense", "rest")
    for idle in (*names, "all"):
        groups = make_groups(decay=0.1)
        parameters = parameters_of(groups)
        optimizer = build(subject, groups)
        resting = {
            id(parameter) for name, parameter in zip(names, parameters, strict=True) if idle in (name, "all")
        }
        for group in optimizer.param_groups:
            held = {id(parameter) for parameter in group["params"]}
            if held & resting and held <= resting:
                group["lr"] = 0.0
            elif held & resting:
                resting -= held  # its groups are not ours
        before = [parameter.detach().clone() for parameter in parameters]
        take_steps(optimizer, parameters, 0, 2)
        for name, old, new in zip(names, before, parameters, strict=True):
            if id(new) in resting:
                expect(torch.equal(old, new), f"with a rate of 0 in group '{name}' its parameters moved")
            else:
                expect(not torch.equal(old, new), f"with a rate of 0 in another group, '{name}' did not move")


def peak_rate(subject: Subject) -> None:
    """Twice the rate ``lr`` gives groups of twice the rate, at least one of them: the user's rate is used."""
    rates = []
    for lr in (LR, 2 * LR):
        optimizer = build(subject, make_groups(), lr)
        rates.append([float(group["lr"]) for group in optimizer.param_groups if group["params"]])
    follows = any(abs(b - 2 * a) <= 1e-9 for a, b in zip(*rates, strict=True))
    expect(follows, f"with lr={LR} and lr={2 * LR} its groups have the rates {rates[0]} and {rates[1]}")


def weight_decay(subject: Subject) -> None:
    """Without gradients' pull, decay shrinks the groups that have it and leaves the rest."""
    groups = make_groups(decay=0.5)
    parameters = parameters_of(groups)
    before = [parameter.detach().clone() for parameter in parameters]
    optimizer = build(subject, groups)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, old, new in zip(("filters", "dense", "rest"), before, parameters, strict=True):
        if name != "rest":
            expect(bool(new.norm() < old.norm()), f"group '{name}' has a weight decay and did not shrink")
        else:
            expect(torch.equal(old, new), f"group '{name}' has no weight decay and changed")


def without_gradient(subject: Subject) -> None:
    """A parameter without a gradient stays as it is, and an empty group is no error."""
    groups = make_groups()
    groups[1]["params"] = []
    optimizer = build(subject, groups)
    filters, bias = parameters_of(groups)
    before = filters.detach().clone()
    bias.grad = torch.ones_like(bias)
    optimizer.step()
    expect(torch.equal(filters, before), "a parameter without a gradient changed")


def channels_last(subject: Subject) -> None:
    """Filters whose channels come last in memory, as netlab keeps them, make the same steps."""
    results = []
    for memory in (torch.contiguous_format, torch.channels_last):
        groups = make_groups(decay=0.1, memory=memory)
        take_steps(build(subject, groups), parameters_of(groups), 0, 3)
        results.append([parameter.detach() for parameter in parameters_of(groups)])
    for name, rows, last in zip(("filters", "dense", "rest"), *results, strict=True):
        expect(
            torch.allclose(rows, last, rtol=1e-4, atol=1e-6),
            f"with channels last in memory the steps of '{name}' differ by"
            f" {float((rows - last).abs().max()):.2g}",
        )


def state(subject: Subject) -> None:
    """An optimizer that takes over the tensors of another's state goes on as that one would."""
    groups, copies = make_groups(decay=0.1), make_groups(decay=0.1)
    parameters, others = parameters_of(groups), parameters_of(copies)
    optimizer, successor = build(subject, groups), build(subject, copies)
    take_steps(optimizer, parameters, 0, 3)
    for parameter, other in zip(parameters, others, strict=True):
        other.data.copy_(parameter.data)
        values = optimizer.state[parameter]
        kept = {key: value for key, value in values.items() if isinstance(value, Tensor)}
        expect(
            set(kept) == set(values),
            f"state {', '.join(sorted(set(values) - set(kept)))} is no tensor: a checkpoint would lose it",
        )
        successor.state[other] = {key: value.clone() for key, value in kept.items()}
    take_steps(optimizer, parameters, 3, 6)
    take_steps(successor, others, 3, 6)
    expect(
        all(torch.equal(a, b) for a, b in zip(parameters, others, strict=True)),
        "resumed from its state, it makes other steps: something is kept outside of state[parameter]",
    )


def determinism(subject: Subject) -> None:
    """The same gradients give the same steps, and nothing is drawn."""
    results = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.random.get_rng_state()
        groups = make_groups()
        take_steps(build(subject, groups), parameters_of(groups), 0, 3)
        expect(torch.equal(before, torch.random.get_rng_state()), "it draws from the global generator")
        results.append([parameter.detach() for parameter in parameters_of(groups)])
    expect(
        all(torch.equal(a, b) for a, b in zip(*results, strict=True)), "the same gradients gave other steps"
    )


CHECKS = (
    *exercised(exercise),
    every_parameter,
    descends,
    rate,
    peak_rate,
    weight_decay,
    without_gradient,
    channels_last,
    state,
    determinism,
)
