"""The backbone 'torchvision': any of its classifiers, with weights that were trained on other images."""

from __future__ import annotations

import torch
from torch import nn

from netlab.kinds.backbone import Pretrained, Trunk
from netlab_builtin.extractors.classifier import classifier, known_name, preprocessing, trunk_layers
from netlab_builtin.extractors.options import TorchvisionBackboneOptions


def torchvision(*, weights: str, offline: bool, options: TorchvisionBackboneOptions) -> Pretrained:
    """The layers before the classifier, by torchvision's names: ``features_0`` or ``layer1_0``.

    Features are what its classifier saw first: the averages of the last map, or a transformer's class token.

    Raises:
        ValueError: torchvision has no such classifier.
    """
    name = known_name(options.variant)
    expected = preprocessing(name)

    def make_trunk() -> Trunk:
        network, source = classifier(name, weights, offline=offline)
        layers = trunk_layers(network)
        with torch.no_grad():
            found = nn.Sequential(layers).eval()(torch.zeros(1, 3, expected.size, expected.size))
        return Trunk(layers, found.shape[1], source)

    return Pretrained(expected, make_trunk)
