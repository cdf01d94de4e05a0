"""Norms that break one rule each."""

import torch
from torch import nn


class Affine(nn.Module):
    """A weight and a bias for every channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        return self.weight * self.normalize(x)

    def normalize(self, x):
        return x


def flattening(channels, size, *, where, options):
    """Loses height and width."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.Flatten())


def no_epsilon(channels, size, *, where, options):
    """Divides by the deviation of a channel of an image, even if it is 0."""

    class Norm(Affine):
        def normalize(self, x):
            return x / x.std((2, 3), keepdim=True)

    return Norm(channels)


def dead_parameter(channels, size, *, where, options):
    """Has a parameter that it never uses."""
    norm = nn.BatchNorm2d(channels)
    norm.unused = nn.Parameter(torch.ones(1))
    return norm


def batch_statistics(channels, size, *, where, options):
    """Takes its statistics from the batch in evaluation too."""
    return nn.BatchNorm2d(channels, track_running_stats=False)


def hidden_weight(channels, size, *, where, options):
    """Keeps its running mean outside its state."""

    class Norm(Affine):
        hidden = 0.0

        def normalize(self, x):
            if self.training:
                self.hidden = float(x.detach().mean())
            return x - self.hidden

    return Norm(channels)
