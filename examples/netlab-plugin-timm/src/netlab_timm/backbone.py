"""The backbone 'timm': any convolutional network of timm, trained from the start."""

from collections import OrderedDict

import torch
from torch import nn

from netlab_timm.placing import place_norms
from netlab_timm.trunk import feature_net, named_layers, passes


def backbone(*, in_channels, image_size, classes, block, norm, activation, options):
    """timm's layers up to the last feature map, then global average pooling and a dense layer.

    Input (N, in_channels, *image_size), output logits (N, classes). Layers have timm's names. The norm
    chosen with ``--norm`` takes the place of timm's batch norms; with ``none``, they stay. ``block`` and
    ``activation`` are not used: the network has its own.

    Raises:
        ValueError: no such network, one without feature maps, too small an image, or a norm for a network
            without batch norms.
    """
    layers = OrderedDict(named_layers(feature_net(options.variant, in_channels=in_channels)))
    image = torch.zeros(1, in_channels, *image_size)
    found = passes(nn.Sequential(layers), image)
    if found.ndim != 4:
        raise ValueError(f"timm's {options.variant} ends in no feature map: {tuple(found.shape)}")
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    if options.drop:
        layers["drop"] = nn.Dropout(options.drop)
    layers["dense"] = nn.Linear(found.shape[1], classes)
    network = nn.Sequential(layers)
    if not place_norms(network, image, norm, keep=True) and not isinstance(
        norm(found.shape[1], found.shape[2:]), nn.Identity
    ):
        raise ValueError(
            f"timm's {options.variant} has no batch norm that --norm could replace: leave it out"
        )
    return network
