"""Backbones with one mistake each."""

from collections import OrderedDict

import torch
from torch import nn


def half(size, times=1):
    for _ in range(times):
        size = (-(-size[0] // 2), -(-size[1] // 2))
    return size


def layers(in_channels, image_size, classes, block, norm, activation, *, width=8):
    """Stem, two blocks, average, dense: nothing is wrong with it."""
    return OrderedDict(
        conv1=nn.Conv2d(in_channels, width, 3, padding=1),
        norm1=norm(width, image_size),
        act1=activation(),
        block1=block(width, width, size=image_size),
        block2=block(width, 2 * width, size=image_size, stride=2),
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        dense=nn.Linear(2 * width, classes),
    )


def probabilities(*, in_channels, image_size, classes, block, norm, activation, options):
    """Ends with a softmax."""
    return nn.Sequential(
        OrderedDict(
            **layers(in_channels, image_size, classes, block, norm, activation), softmax=nn.Softmax(1)
        )
    )


def log_probabilities(*, in_channels, image_size, classes, block, norm, activation, options):
    """Ends with a logarithm of a softmax."""
    return nn.Sequential(
        OrderedDict(**layers(in_channels, image_size, classes, block, norm, activation), log=nn.LogSoftmax(1))
    )


def own_blocks(*, in_channels, image_size, classes, block, norm, activation, options):
    """Uses convolutions instead of the chosen block."""
    return nn.Sequential(
        layers(
            in_channels, image_size, classes,
            lambda i, o, *, size, stride=1: nn.Conv2d(i, o, 3, stride=stride, padding=1), norm, activation,
        )
    )  # fmt: skip


def own_norm(*, in_channels, image_size, classes, block, norm, activation, options):
    """Batch norm in the stem, whatever was chosen."""
    return nn.Sequential(
        layers(in_channels, image_size, classes, block, lambda c, s: nn.GroupNorm(2, c), activation)
    )


def own_activation(*, in_channels, image_size, classes, block, norm, activation, options):
    """A ReLU, whatever was chosen."""
    return nn.Sequential(layers(in_channels, image_size, classes, block, norm, nn.ReLU))


def wrong_block_size(*, in_channels, image_size, classes, block, norm, activation, options):
    """Tells its second block the size after the stride."""

    def late(i, o, *, size, stride=1):
        return block(i, o, size=half(size) if stride == 2 else size, stride=stride)

    return nn.Sequential(layers(in_channels, image_size, classes, late, norm, activation))


def swapped_size(*, in_channels, image_size, classes, block, norm, activation, options):
    """Takes the image size as (width, height)."""
    return nn.Sequential(layers(in_channels, image_size[::-1], classes, block, norm, activation))


class OwnForward(nn.Sequential):
    def forward(self, x):
        x = self.act1(self.norm1(self.conv1(x)))
        x = self.block2(self.block1(x) + x)
        return self.dense(self.flatten(self.avgpool(x)))


def hidden_skip(*, in_channels, image_size, classes, block, norm, activation, options):
    """A Sequential whose forward does more than its layers."""
    return OwnForward(layers(in_channels, image_size, classes, block, norm, activation))


def fixed_flatten(*, in_channels, image_size, classes, block, norm, activation, options):
    """Its dense layer fits images of 32 x 32."""
    found = layers(in_channels, image_size, classes, block, norm, activation)
    found["avgpool"], found["dense"] = nn.MaxPool2d(4), nn.Linear(16 * 16, classes)
    return nn.Sequential(found)


def seeds(*, in_channels, image_size, classes, block, norm, activation, options):
    """Seeds PyTorch, so that every network is the same."""
    torch.manual_seed(42)
    return nn.Sequential(layers(in_channels, image_size, classes, block, norm, activation))


class BatchCentre(nn.Module):
    def forward(self, x):
        return x - x.mean((0, 2, 3), keepdim=True)


def centres_the_batch(*, in_channels, image_size, classes, block, norm, activation, options):
    """Centres its input over the batch."""
    return nn.Sequential(
        OrderedDict(centre=BatchCentre(), **layers(in_channels, image_size, classes, block, norm, activation))
    )


class Flat(nn.Module):
    def forward(self, x):
        return x.view(len(x), -1)


def view_flatten(*, in_channels, image_size, classes, block, norm, activation, options):
    """Flattens by view."""
    found = layers(in_channels, image_size, classes, block, norm, activation)
    size = half(image_size)
    found["avgpool"], found["flatten"] = nn.Identity(), Flat()
    found["dense"] = nn.Linear(16 * size[0] * size[1], classes)
    return nn.Sequential(found)


class Mean(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mean = torch.full((1, channels, 1, 1), 0.1)

    def forward(self, x):
        return x - self.mean


def plain_mean(*, in_channels, image_size, classes, block, norm, activation, options):
    """Subtracts a mean that stays on the processor."""
    return nn.Sequential(
        OrderedDict(
            mean=Mean(in_channels), **layers(in_channels, image_size, classes, block, norm, activation)
        )
    )
