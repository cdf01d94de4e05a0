"""Callbacks with one mistake each."""

import contextlib
import random

import torch

from netlab.kinds.callback import TrainingCallback


class Averaging(TrainingCallback):
    """A moving average of the weights: nothing is wrong with it."""

    def __init__(self, training):
        self.network = training.network
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}

    def step_finished(self, step):
        for name, parameter in self.network.named_parameters():
            self.average[name].lerp_(parameter.detach(), 0.1)

    def exchange(self):
        for name, parameter in self.network.named_parameters():
            kept = parameter.detach().clone()
            parameter.data.copy_(self.average[name])
            self.average[name].copy_(kept)

    @contextlib.contextmanager
    def evaluation(self):
        self.exchange()
        yield
        self.exchange()

    def state(self):
        return dict(self.average)

    def load_state(self, state):
        for name in self.average:
            self.average[name].copy_(state[name])


class NeverBack(Averaging):
    @contextlib.contextmanager
    def evaluation(self):
        self.exchange()
        yield


class NoState(Averaging):
    def state(self):
        return {}

    def load_state(self, state):
        pass


class SharedState(Averaging):
    count = 0

    def step_finished(self, step):
        self.count += 1
        for name, parameter in self.network.named_parameters():
            self.average[name].lerp_(parameter.detach(), 1 / (1 + self.count))


class Noise(TrainingCallback):
    def __init__(self, training):
        self.network = training.network

    def gradients_ready(self, step, again):
        for parameter in self.network.parameters():
            parameter.grad.add_(torch.randn_like(parameter.grad), alpha=1e-3)


class Undeclared(TrainingCallback):
    def epoch_finished(self, epoch):
        return {"sharpness": 1.0}


class Shuffling(TrainingCallback):
    columns = ("luck",)

    def epoch_finished(self, epoch):
        return {"luck": random.random()}


class Stopping(TrainingCallback):
    def __init__(self, training):
        self.network = training.network

    def gradients_ready(self, step, again):
        for parameter in self.network.parameters():
            parameter.grad.div_(parameter.grad.norm() - parameter.grad.norm())


def never_back(training, *, options):
    """Leaves the average in the network after it was measured."""
    return NeverBack(training)


def no_state(training, *, options):
    """Its average is in no checkpoint."""
    return NoState(training)


def count_outside(training, *, options):
    """A count that is no part of its state."""
    return SharedState(training)


def global_noise(training, *, options):
    """Noise from the global generator."""
    return Noise(training)


def undeclared_column(training, *, options):
    """A value for a column that it does not state."""
    return Undeclared()


def python_luck(training, *, options):
    """A value from Python's own generator."""
    return Shuffling()


def divides_by_zero(training, *, options):
    """Gradients that are infinite."""
    return Stopping(training)
