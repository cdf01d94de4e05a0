"""Optimizers that break one rule each."""

import torch
from torch import nn


def sgd(groups, lr, kind=torch.optim.SGD, **options):
    return kind([dict(group) for group in groups], lr=lr, momentum=0.5, **options)


def one_more_parameter(groups, *, lr, options):
    """Holds a parameter of its own."""
    return sgd([*groups, {"params": [nn.Parameter(torch.zeros(1))], "weight_decay": 0.0}], lr)


def ascends(groups, *, lr, options):
    """Goes up."""
    return sgd(groups, lr, maximize=True)


class FixedRate(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = 0.01
        return super().step(closure)


def fixed_rate(groups, *, lr, options):
    """Does not care for the rate that it is given."""
    return sgd(groups, lr, FixedRate)


def no_decay(groups, *, lr, options):
    """Forgets the weight decay."""
    return sgd([{**group, "weight_decay": 0.0} for group in groups], lr)


class Shrinking(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    parameter.data.mul_(0.9)
        return super().step(closure)


def shrinks_the_idle(groups, *, lr, options):
    """Changes parameters that have no gradient."""
    return sgd(groups, lr, Shrinking)


class Counting(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.state[parameter]["steps"] = self.state[parameter].get("steps", 0) + 1
        return super().step(closure)


def counts_in_python(groups, *, lr, options):
    """Keeps a number that no checkpoint holds."""
    return sgd(groups, lr, Counting)


def follows_the_seed(groups, *, lr, options):
    """Steps by the global seed."""
    return sgd(groups, lr, dampening=0.1 * (torch.initial_seed() % 2))
