"""Extractors that break one rule each."""

from dataclasses import replace
from pathlib import Path

from torch import nn
from torch.nn import functional

from netlab.kinds.extractor import FeatureMaps


def sound(weights):
    """Two convolutions of stride 2: nothing is wrong with them."""
    if weights != "none" and not Path(weights).exists():
        raise FileNotFoundError(f"there is no file {weights}")
    stages = (nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1))
    return FeatureMaps(stages, (8, 16), (2, 4), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 64, "random")


def wrong_channels(*, weights, options):
    """Says that it has more channels than it has."""
    return replace(sound(weights), channels=(8, 32))


def mean_of_bytes(*, weights, options):
    """A mean for pixels in [0, 255]."""
    return replace(sound(weights), mean=(123.7, 116.3, 103.5))


class Dropping(nn.Conv2d):
    """Drops out in evaluation too."""

    def forward(self, x):
        return functional.dropout(super().forward(x), 0.5, training=True)


def always_dropping(*, weights, options):
    """Drops out in evaluation too."""
    found = sound(weights)
    return replace(found, stages=(found.stages[0], Dropping(8, 16, 3, stride=2, padding=1)))


def ignores_weights(*, weights, options):
    """Takes any file for random weights."""
    return sound("none")
