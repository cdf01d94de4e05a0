"""Activations with one mistake each."""

import torch
from torch import nn
from torch.nn import functional


def in_place(*, options):
    """ReLU, in place."""
    return nn.LeakyReLU(0.1, inplace=True)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def softmax_of_channels(*, options):
    """Softmax over the channels."""
    return Function(lambda x: x * torch.softmax(x, 1))


def exponential(*, options):
    """softplus as log(1 + exp(x))."""
    return Function(lambda x: torch.log(1 + torch.exp(x)))


def root(*, options):
    """Signed root: its gradient at 0 is infinite."""
    return Function(lambda x: x.sign() * x.abs().sqrt())


class Beta(nn.Module):
    """x sigmoid(beta x), beta of the form (1, 1): float32 whatever comes."""

    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1, 1))

    def forward(self, x):
        return x * torch.sigmoid(self.beta * x)


def promotes(*, options):
    """Gives float32 for bfloat16."""
    return Beta()


def only_images(*, options):
    """Works on four dimensions only."""
    return Function(lambda x: functional.elu(x[:, :, :, :]))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return functional.elu(x) * self.scale.detach()


def detached_scale(*, options):
    """A learnt scale that is never learnt."""
    return Scaled()


class Calls(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return functional.leaky_relu(x, 0.1 / self.calls)


def sharpens(*, options):
    """Gets steeper at every call."""
    return Calls()


def grad_off(*, options):
    """Switches gradients off for everyone."""
    torch.autograd.set_detect_anomaly(True)
    return nn.ELU()
