"""Norms with one mistake each."""

import torch
from torch import nn
from torch.nn import functional


class Sound(nn.Module):
    """Batch normalization, by hand."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def statistics(self, x):
        if not self.training:
            return self.mean, self.var
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        with torch.no_grad():
            self.mean.lerp_(mean.float(), 0.1)
            self.var.lerp_(var.float(), 0.1)
        return mean, var

    def forward(self, x):
        mean, var = self.statistics(x)
        scale = self.weight * (var + 1e-5).rsqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


class Attributes(Sound):
    """Running statistics are plain attributes."""

    def __init__(self, channels):
        super().__init__(channels)
        del self.mean, self.var
        self.mean, self.var = torch.zeros(channels), torch.ones(channels)


class BatchInEvaluation(Sound):
    def statistics(self, x):
        if len(x) == 1:
            return self.mean, self.var
        return x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)


class UpdatesInEvaluation(Sound):
    def statistics(self, x):
        training, self.training = self.training, True
        super().statistics(x)
        self.training = training
        return super().statistics(x)


class KeepsGraph(Sound):
    def statistics(self, x):
        if not self.training:
            return self.mean, self.var
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        return self.mean, self.var


class NoEpsilon(nn.Module):
    """Instance normalization without an epsilon."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        x = x - x.mean((2, 3), keepdim=True)
        return self.weight * x / x.square().mean((2, 3), keepdim=True).sqrt()


class InPlace(Sound):
    def forward(self, x):
        mean, var = self.statistics(x)
        x -= mean[:, None, None]
        return x * (self.weight * (var + 1e-5).rsqrt())[:, None, None] + self.bias[:, None, None]


class SquareOnly(nn.Module):
    """Layer normalization with width and height swapped."""

    def __init__(self, channels, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, size[1], size[0]))

    def forward(self, x):
        return functional.layer_norm(x, x.shape[1:]) * self.weight


class HalfGroups(nn.Module):
    """Groups of eight channels; where they do not divide, it fails in forward."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        n, c, h, w = x.shape
        groups = x.reshape(n, c // 8, 8, h, w)
        groups = groups - groups.mean((2, 3, 4), keepdim=True)
        scale = (groups.square().mean((2, 3, 4), keepdim=True) + 1e-5).rsqrt()
        return self.weight * (groups * scale).reshape(x.shape)


class Everything(Sound):
    """Statistics of all built norms in one list of the class."""

    means: dict = {}  # noqa: RUF012

    def statistics(self, x):
        if self.training:
            self.means[len(self.weight)] = x.detach().mean((0, 2, 3))
        mean, var = super().statistics(x)
        return (mean if self.training else self.means.get(len(self.weight), mean)), var


class Float16Overflow(nn.Module):
    """Sums squares before it divides, in the type that comes: fine in float32."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        table = torch.zeros(x.shape[0], x.shape[1])
        table[:] = x.square().sum((2, 3))
        table.scatter_(1, torch.zeros(x.shape[0], 1, dtype=torch.long), x.square().sum((2, 3))[:, :1])
        return self.weight * x / (table[..., None, None] / x[0, 0].numel() + 1e-5).sqrt()


def attributes(channels, size, *, where, options):
    """Batch normalization with statistics that are not saved."""
    return Attributes(channels)


def batch_in_evaluation(channels, size, *, where, options):
    """Statistics of the batch in evaluation, where there is a batch."""
    return BatchInEvaluation(channels)


def updates_in_evaluation(channels, size, *, where, options):
    """Statistics move in evaluation."""
    return UpdatesInEvaluation(channels)


def keeps_graph(channels, size, *, where, options):
    """Normalizes by running statistics that keep their graph."""
    return KeepsGraph(channels)


def no_epsilon(channels, size, *, where, options):
    """No epsilon."""
    return NoEpsilon(channels)


def in_place(channels, size, *, where, options):
    """Subtracts the mean in place."""
    return InPlace(channels)


def square_only(channels, size, *, where, options):
    """Takes size as (width, height)."""
    return SquareOnly(channels, size)


def half_groups(channels, size, *, where, options):
    """Does not say that its groups do not fit."""
    return HalfGroups(channels)


def shared_statistics(channels, size, *, where, options):
    """All norms of a network share their mean."""
    return Everything(channels)


def float32_table(channels, size, *, where, options):
    """Scatters into a float32 table."""
    return Float16Overflow(channels)


_MADE: dict = {}


def one_a_width(channels, size, *, where, options):
    """Gives the same module for the same number of channels."""
    return _MADE.setdefault(channels, Sound(channels))
