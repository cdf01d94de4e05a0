"""The report's skeleton."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import BlockFactory, NormLayer, Size
from netlab_builtin.backbones.options import CompactOptions

SMALLEST = 24  # three poolings by 2, then an average over 3x3


def compact(
    *,
    in_channels: int,
    image_size: Size,
    classes: int,
    block: BlockFactory,
    norm: NormLayer,
    activation: ActivationLayer,
    options: CompactOptions,
) -> nn.Sequential:  # long: the table of its layers, and all of them in order
    """Four 3x3 convolutions, three max poolings, two blocks, an average, two dense layers.

    For 3x32x32 images, width 32 and 10 classes, shapes as channels x height x width::

        conv1 activation1                    32x32x32
        conv2 activation2 maxpool1           64x16x16
        resblock1                            64x16x16
        conv3 activation3 maxpool2           128x8x8
        conv4 activation4 maxpool3           256x4x4
        resblock2                            256x4x4
        avgpool (3, stride 2) flatten        256
        dense1 dense2                        256, 10

    ``norm1`` to ``norm4`` sit between a convolution and its activation when a norm was chosen. With
    ``expand = "1x1"`` the fourth convolution is 1x1 with padding 1 and is named ``conv1x1``.

    Raises:
        ValueError: the image is smaller than 24x24.
    """
    if min(image_size) < SMALLEST:
        height, width = image_size
        raise ValueError(f"images of {height}x{width} are too small: {SMALLEST}x{SMALLEST} is the least")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    height, width = image_size
    channels = in_channels

    def convolution(number: int, out_channels: int, kernel: int = 3) -> None:
        nonlocal channels, height, width
        name = "conv1x1" if kernel == 1 else f"conv{number}"
        layers[name] = nn.Conv2d(channels, out_channels, kernel, padding=1)
        channels, height, width = out_channels, height + 3 - kernel, width + 3 - kernel
        layer = norm(channels, (height, width))
        if not isinstance(layer, nn.Identity):
            layers[f"norm{number}"] = layer
        layers[f"activation{number}"] = activation()

    def pool(number: int) -> None:
        nonlocal height, width
        layers[f"maxpool{number}"] = nn.MaxPool2d(2)
        height, width = height // 2, width // 2

    first = options.width
    convolution(1, first)
    convolution(2, 2 * first)
    pool(1)
    layers["resblock1"] = block(channels, channels, size=(height, width))
    convolution(3, 4 * first)
    pool(2)
    convolution(4, 8 * first, kernel=1 if options.expand == "1x1" else 3)
    pool(3)
    layers["resblock2"] = block(channels, channels, size=(height, width))
    layers["avgpool"] = nn.AvgPool2d(3, stride=2)
    height, width = (height - 3) // 2 + 1, (width - 3) // 2 + 1
    layers["flatten"] = nn.Flatten()
    layers["dense1"] = nn.Linear(channels * height * width, 8 * first)
    layers["dense2"] = nn.Linear(8 * first, classes)
    if options.output == "softmax":
        layers["softmax"] = nn.Softmax(dim=1)
    return nn.Sequential(layers)
