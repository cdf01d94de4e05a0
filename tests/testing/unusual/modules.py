"""Blocks, norms, activations, backbones and extractors that are right in an unusual way."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from netlab.kinds.extractor import FeatureMaps


class StochasticDepth(nn.Module):
    """Drops its path for some images in training; its last layer begins at zero, recomputed to save memory."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1), norm(out_channels, size), activation(),
            nn.Conv2d(out_channels, out_channels, 1),
        )  # fmt: skip
        nn.init.zeros_(self.path[-1].weight)
        nn.init.zeros_(self.path[-1].bias)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x):
        again = torch.is_grad_enabled() and self.training
        path = checkpoint(self.path, x, use_reentrant=False) if again else self.path(x)
        if self.training:
            path = path * torch.empty_like(path[:, :1, :1, :1]).bernoulli_(0.5)
        return self.skip(x) + path


class PlaceTable(nn.Module):
    """Adds a learnt table of the size that it is built for; it has no place for an activation."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(in_channels, out_channels, 1), norm(out_channels, size)
        self.table = nn.Parameter(torch.zeros(out_channels, *size))

    def forward(self, x):
        return self.norm(self.conv(x)) + self.table


class Blur(nn.Module):
    """Averages neighbours, with nothing to learn; refuses to change the number of channels above 64."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options, stride=1):
        super().__init__()
        if out_channels % in_channels and in_channels % out_channels and in_channels > 96:
            raise ValueError(f"{in_channels} channels can not become {out_channels}")
        self.stride, self.out = stride, out_channels
        self.register_buffer("places", torch.arange(out_channels) % in_channels, persistent=False)

    def forward(self, x):
        averaged = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, stride=self.stride)
        return averaged[:, self.places]


class FloatNorm(nn.Module):
    """Root-mean-square over the channels, in float32 whatever comes, with its parameter only where asked."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            scale = (x.float().square().mean(1, keepdim=True) + 1e-6).rsqrt()
            return (x.float() * scale * self.weight[:, None, None]).to(x.dtype)


def float_norm(channels, size, *, where, options):
    """Refuses more than 90 channels in the stem, of which it says so."""
    if where == "stem" and channels > 90:
        raise ValueError(f"{channels} channels: at most 90 in the stem")
    return FloatNorm(channels)


def random_slope(*, options):
    """A slope that is drawn in training."""
    return nn.RReLU()


class Sign(nn.Module):
    def forward(self, x):
        return x + (x.sign() - x).detach()


def straight_through(*, options):
    """The sign, with the gradient of the identity."""
    return Sign()


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def all_convolutions(*, in_channels, image_size, classes, block, norm, activation, options):
    """No dense layer, no block, no norm: convolutions whose last has a map a class."""
    if min(image_size) < 4:
        raise ValueError(f"an image of {image_size[1]} x {image_size[0]} is too small: at least 4 x 4")
    return nn.Sequential(
        OrderedDict(
            stem=nn.Conv2d(in_channels, 8, 3, stride=2), first=activation(), last=nn.Conv2d(8, classes, 1),
            mean=Mean(),
        )
    )  # fmt: skip


def one_stage(*, weights, options):
    """One frozen stage with a stride of 4."""
    if weights not in ("none", "imagenet"):
        raise FileNotFoundError(f"there is no {weights}")
    stage = nn.Sequential(nn.Conv2d(3, 8, 7, stride=4, padding=3), nn.ELU()).requires_grad_(False)
    return FeatureMaps((stage,), (8,), (4,), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 32, "random")
