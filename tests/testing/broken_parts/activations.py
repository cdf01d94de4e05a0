"""Activations that break one rule each."""

import torch
from torch import nn
from torch.nn import functional


class Elementwise(nn.Module):
    """ELU: nothing is wrong with it."""

    def forward(self, x):
        return functional.elu(x)


class Widening(Elementwise):
    def forward(self, x):
        return super().forward(x).double()


class Pooling(Elementwise):
    def forward(self, x):
        return x * torch.sigmoid(x.mean())


class Overwriting(Elementwise):
    def forward(self, x):
        x.detach().clamp_(min=-1)
        return super().forward(x)


class Dropping(Elementwise):
    def forward(self, x):
        return functional.dropout(x, 0.5, training=True)


class Hidden(Elementwise):
    def __init__(self):
        super().__init__()
        self.scale = float(torch.rand(1)) + 0.5

    def forward(self, x):
        return self.scale * super().forward(x)


SHARED = nn.ELU()


def widening(*, options):
    """Gives float64 of float32."""
    return Widening()


def pooling(*, options):
    """Depends on the mean of its input."""
    return Pooling()


def dead_parameter(*, options):
    """Has a parameter that it never uses."""
    module = Elementwise()
    module.unused = nn.Parameter(torch.ones(1))
    return module


def overwriting(*, options):
    """Cuts its input off in place."""
    return Overwriting()


def one_for_all(*, options):
    """Gives the same module always."""
    return SHARED


def always_dropping(*, options):
    """Drops elements in evaluation too."""
    return Dropping()


def hidden_scale(*, options):
    """Keeps a random number outside its state."""
    return Hidden()
