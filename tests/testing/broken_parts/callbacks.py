"""Callbacks that break one rule each."""

import contextlib

import torch

from netlab.kinds.callback import TrainingCallback


class Counting(TrainingCallback):
    """Breaks nothing."""

    def __init__(self, training, *, options):
        self.training = training
        self.weights = list(training.network.parameters())


class AnotherColumn(Counting):
    """Gives a value that it did not announce."""

    columns = ("steps",)

    def epoch_finished(self, epoch):
        return {"step": 1.0}


class Freezes(Counting):
    """Clears the gradients, and the momentum with them."""

    def gradients_ready(self, step, again):
        for weight in self.weights:
            weight.grad = torch.zeros_like(weight)


class LeavesTheMean(Counting):
    """Evaluates a halved network, and leaves it halved."""

    @contextlib.contextmanager
    def evaluation(self):
        self.weights[0].data.mul_(0.5)
        yield


class Forgets(Counting):
    """Pulls the weights to where they were after the first step that it saw."""

    def step_finished(self, step):
        if not hasattr(self, "anchors"):
            self.anchors = [weight.detach().clone() for weight in self.weights]
        for weight, anchor in zip(self.weights, self.anchors, strict=True):
            weight.data.lerp_(anchor, 0.1)


class Draws(Counting):
    """Moves the global generator on, from which layers draw."""

    def step_finished(self, step):
        torch.rand(())
