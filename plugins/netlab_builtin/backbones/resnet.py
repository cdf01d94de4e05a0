"""A ResNet for small images."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import BlockFactory, NormLayer, Size
from netlab_builtin.backbones.options import ResNetOptions

STAGES = 3


def resnet(
    *,
    in_channels: int,
    image_size: Size,
    classes: int,
    block: BlockFactory,
    norm: NormLayer,
    activation: ActivationLayer,
    options: ResNetOptions,
) -> nn.Sequential:
    """A convolution, three stages of n blocks, a global average and a dense layer; depth 6n+2.

    Source: He et al. 2016, section 4.2. Stage s has ``width * 2**(s - 1)`` channels; the first block
    of stages 2 and 3 halves height and width. Layers: ``conv1 [norm1] activation1 stage1_block1`` ...
    ``avgpool flatten dense1``.

    Raises:
        ValueError: the image is smaller than 4x4.
    """
    height, width = image_size
    if min(image_size) < 4:
        raise ValueError(f"images of {height}x{width} are too small: 4x4 is the least")
    channels = options.width
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=nn.Conv2d(in_channels, channels, 3, padding=1))
    first_norm = norm(channels, image_size)
    if not isinstance(first_norm, nn.Identity):
        layers["norm1"] = first_norm
    layers["activation1"] = activation()
    for stage in range(1, STAGES + 1):
        out_channels = options.width * 2 ** (stage - 1)
        for number in range(1, (options.depth - 2) // 6 + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            layers[f"stage{stage}_block{number}"] = block(
                channels, out_channels, size=(height, width), stride=stride
            )
            channels, height, width = out_channels, -(-height // stride), -(-width // stride)
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dense1"] = nn.Linear(channels, classes)
    return nn.Sequential(layers)
