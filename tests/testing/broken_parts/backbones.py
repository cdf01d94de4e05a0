"""Backbones that break one rule each."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from netlab.kinds.backbone import Preprocessing, Pretrained, Trunk


def sound(in_channels, classes, norm, image_size, *, first=None, last=None, norm_channels=8):
    """A convolution, a norm, an average and a dense layer: nothing is wrong with it."""
    return nn.Sequential(
        OrderedDict(
            conv1=first or nn.Conv2d(in_channels, 8, 3, padding=1),
            norm1=norm(norm_channels, image_size),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dense1=last or nn.Linear(8, classes),
        )
    )


def unnamed(*, in_channels, image_size, classes, block, norm, activation, options):
    """Its layers have no names."""
    return nn.Sequential(*sound(in_channels, classes, norm, image_size).children())


def one_more_class(*, in_channels, image_size, classes, block, norm, activation, options):
    """Gives a logit too many where it is asked for RGB."""
    return sound(in_channels, classes + (in_channels == 3), norm, image_size)


def only_rgb(*, in_channels, image_size, classes, block, norm, activation, options):
    """Takes it that images have three channels."""
    return sound(3, classes, norm, image_size)


def divides_by_zero(*, in_channels, image_size, classes, block, norm, activation, options):
    """Fails on small images, but not with a ValueError."""
    if 32 // (image_size[0] // 2):
        return sound(in_channels, classes, norm, image_size)
    return sound(in_channels, classes, norm, image_size)


def wrong_norm_channels(*, in_channels, image_size, classes, block, norm, activation, options):
    """Tells the norm another number of channels."""
    return sound(in_channels, classes, norm, image_size, norm_channels=9)


def dead_parameter(*, in_channels, image_size, classes, block, norm, activation, options):
    """Has a parameter that it never uses."""
    network = sound(in_channels, classes, norm, image_size)
    network.conv1.unused = nn.Parameter(torch.ones(1))
    return network


class HiddenConvolution(nn.Conv2d):
    """Keeps a random number outside its state."""

    def __init__(self, in_channels):
        super().__init__(in_channels, 8, 3, padding=1)
        self.hidden = torch.rand(1)

    def forward(self, x):
        return super().forward(x) * self.hidden


def hidden_weight(*, in_channels, image_size, classes, block, norm, activation, options):
    """Keeps a random number outside its state."""
    return sound(in_channels, classes, norm, image_size, first=HiddenConvolution(in_channels))


class DroppingLinear(nn.Linear):
    """Drops out in evaluation too."""

    def forward(self, x):
        return functional.dropout(super().forward(x), 0.5, training=True)


def always_dropping(*, in_channels, image_size, classes, block, norm, activation, options):
    """Drops out in evaluation too."""
    return sound(in_channels, classes, norm, image_size, last=DroppingLinear(8, classes))


def trunk():
    """A convolution: nothing is wrong with it."""
    torch.manual_seed(0)
    return Trunk({"conv1": nn.Conv2d(3, 8, 3, padding=1)}, 8, "random")


def knows_no_files(*, weights, offline, options):
    """Takes any name of a file for random weights."""
    return Pretrained(Preprocessing(32, 32, "bilinear", (0.5,) * 3, (0.5,) * 3), trunk)


def larger_than_the_image(*, weights, offline, options):
    """Cuts out more than there is."""

    def make_trunk():
        if weights != "none" and not Path(weights).is_file():
            raise FileNotFoundError(f"there is no {weights}")
        return trunk()

    return Pretrained(Preprocessing(32, 24, "bilinear", (0.5,) * 3, (0.5,) * 3), make_trunk)
