"""Checks of callbacks. Contract: ``netlab.kinds.callback``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netlab.kinds.callback import Training, TrainingCallback
from netlab.testing.checks import Subject, expect
from netlab.testing.exercised import exercised

STEPS_PER_EPOCH, EPOCHS = 4, 3


class Trainer:
    """A little network with a callback, trained as netlab trains: step by step, epoch by epoch."""

    def __init__(self, subject: Subject) -> None:
        generator = torch.Generator().manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 3))
        for parameter in self.network.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.05, momentum=0.9)
        training = Training(
            self.network, self.optimizer, STEPS_PER_EPOCH * EPOCHS, STEPS_PER_EPOCH, folder=None
        )
        callback = subject.build(training)
        expect(
            isinstance(callback, TrainingCallback),
            f"it gave {type(callback).__name__}, not a netlab.kinds.callback.TrainingCallback",
        )
        assert isinstance(callback, TrainingCallback)
        self.callback = callback
        self.measured: dict[str, Tensor] = {}

    def gradients(self, step: int) -> None:
        """The gradients of a step's batch."""
        generator = torch.Generator().manual_seed(step)
        images = torch.randn(8, 3, 6, 6, generator=generator)
        targets = torch.randint(3, (8,), generator=generator)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(nn.functional.cross_entropy(self.network(images), targets))

    def epoch(self, epoch: int) -> Mapping[str, float]:
        """All steps of an epoch (from 1) and what comes after them; gives the values for the history."""
        self.network.train()
        for step in range((epoch - 1) * STEPS_PER_EPOCH, epoch * STEPS_PER_EPOCH):
            self.gradients(step)
            self.callback.gradients_ready(step, lambda step=step: self.gradients(step))  # type: ignore[misc]
            self.optimizer.step()
            self.callback.step_finished(step)
        with self.callback.evaluation():
            self.network.eval()
            self.measured = {name: value.clone() for name, value in self.network.state_dict().items()}
        return self.callback.epoch_finished(epoch)

    def tensors(self) -> dict[str, Tensor]:
        """A copy of all that learns: weights, buffers, momentum and the callback's state."""
        found = {f"network {name}": value for name, value in self.network.state_dict().items()}
        for position, state in enumerate(self.optimizer.state.values()):
            found |= {f"optimizer {position} {name}": value for name, value in state.items()}
        found |= {f"state {name}": value for name, value in self.callback.state().items()}
        return {name: value.detach().clone() for name, value in found.items() if isinstance(value, Tensor)}


def equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    """Whether two sets of tensors are the same to the bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def exercise(subject: Subject) -> None:
    """A training with it."""
    trainer = Trainer(subject)
    for epoch in range(1, EPOCHS + 1):
        trainer.epoch(epoch)


def columns(subject: Subject) -> None:
    """Every epoch gives a finite number for each of its columns, and for no other."""
    trainer = Trainer(subject)
    for epoch in (1, 2):
        row = trainer.epoch(epoch)
        expect(isinstance(row, Mapping), f"epoch_finished gave {type(row).__name__}, not a mapping")
        expect(
            set(row) == set(trainer.callback.columns),
            f"epoch_finished gave {', '.join(row) or 'nothing'}; its columns are"
            f" {', '.join(trainer.callback.columns) or 'none'}",
        )
        for column, value in row.items():
            expect(column.isidentifier(), f"column '{column}' is not of letters, digits and _")
            expect(
                isinstance(value, (int, float)) and math.isfinite(value),
                f"'{column}' is {value!r} after epoch {epoch}, expected a finite number",
            )


def still_trains(subject: Subject) -> None:
    """Trained with it, weights stay finite and move."""
    trainer = Trainer(subject)
    before = trainer.tensors()
    for epoch in range(1, EPOCHS + 1):
        trainer.epoch(epoch)
    for name, parameter in trainer.network.named_parameters():
        expect(bool(parameter.isfinite().all()), f"'{name}' is not finite after {EPOCHS} epochs")
    weight = trainer.network.get_parameter("0.weight")
    expect(not torch.equal(before["network 0.weight"], weight), "the weights do not move")


def evaluation_restores(subject: Subject) -> None:
    """After ``evaluation`` the network that learns is as it was before it."""
    trainer = Trainer(subject)
    trainer.epoch(1)
    before = trainer.tensors()
    with trainer.callback.evaluation():
        for name, value in trainer.network.state_dict().items():
            expect(bool(torch.isfinite(value).all()), f"'{name}' is not finite while it is measured")
    expect(equal(before, trainer.tensors()), "weights, optimizer or state are others after evaluation()")


def resumes(subject: Subject) -> None:
    """Given its state, a new callback goes on exactly as the old one would: weights, values, state."""
    trainer, successor = Trainer(subject), Trainer(subject)
    trainer.epoch(1)
    state = trainer.callback.state()
    for name, value in state.items():
        expect(isinstance(value, Tensor), f"its state '{name}' is {type(value).__name__}, not a tensor")
    successor.network.load_state_dict({k: v.clone() for k, v in trainer.network.state_dict().items()})
    # As in a resumed run: the callback is made when the weights are there, then takes its state.
    resumed = subject.build(
        Training(successor.network, successor.optimizer, STEPS_PER_EPOCH * EPOCHS, STEPS_PER_EPOCH, None)
    )
    resumed.load_state({name: value.detach().cpu().clone() for name, value in state.items()})
    successor.callback = resumed
    for own, other in zip(trainer.network.parameters(), successor.network.parameters(), strict=True):
        kept = trainer.optimizer.state[own]
        successor.optimizer.state[other] = {
            key: value.clone() if isinstance(value, Tensor) else value for key, value in kept.items()
        }
    rows = [(trainer.epoch(epoch), successor.epoch(epoch)) for epoch in (2, 3)]
    expect(all(dict(a) == dict(b) for a, b in rows), "resumed from its state, it gives other values")
    expect(equal(trainer.measured, successor.measured), "resumed from its state, other weights are measured")
    expect(
        equal(trainer.tensors(), successor.tensors()), "resumed from its state, training goes on otherwise"
    )


def determinism(subject: Subject) -> None:
    """The same training twice is equal, and the global generator is not used."""
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        trainer = Trainer(subject)
        before = torch.random.get_rng_state()
        trainer.epoch(1)
        expect(torch.equal(before, torch.random.get_rng_state()), "it draws from the global generator")
        found.append(trainer.tensors())
    expect(equal(*found), "the same training gave other weights or another state")


CHECKS = (*exercised(exercise, seeded=True), columns, still_trains, evaluation_restores, resumes, determinism)
