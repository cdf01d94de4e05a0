"""A skeleton for accuracy in little processor time."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import BlockFactory, NormLayer, Size
from netlab_builtin.backbones.options import LeanOptions

SMALLEST = 9  # 8 after the first convolution, then three poolings by 2
STAGES = (1, 4, 4)  # channels of each, times the width


class WhiteningConv(nn.Module):
    """A 2x2 convolution whose outputs are uncorrelated, of variance 1: (N, C, H, W) to (N, 8 C, H-1, W-1).

    The patches of training images have the covariance V diag(d) Vᵀ; filters are ``± V / sqrt(d + eps)``, each
    with both signs, since an activation cuts one off. They are not learnt: only biases are. Until
    ``initialize_from`` is called they are random. Source: Jordan 2024, section 3.2, after Page, How to train
    your ResNet 8, 2019.
    """

    filters: Tensor

    def __init__(self, in_channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        values = in_channels * 4
        self.register_buffer("filters", torch.randn(2 * values, in_channels, 2, 2) / values**0.5)
        self.bias = nn.Parameter(torch.zeros(2 * values))

    def initialize_from(self, images: Tensor) -> None:
        """Take the filters from normalized images (N, C, H, W)."""
        patches = functional.unfold(images.contiguous(), 2).double()  # (N, 4 C, places)
        values = patches.transpose(0, 1).reshape(patches.shape[1], -1)
        found, vectors = torch.linalg.eigh(values @ values.T / values.shape[1])
        half = (vectors / (found + self.eps).sqrt()).T.reshape(len(found), *self.filters.shape[1:])
        self.filters.copy_(torch.cat([half, -half]))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filters, self.bias)


class Scale(nn.Module):
    """``factor`` times its input."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor:g}"


def convolution(in_channels: int, out_channels: int, *, norm: nn.Module, dirac: bool) -> nn.Conv2d:
    """A 3x3 convolution, with a bias where no norm follows; its first filters may begin as the identity."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=isinstance(norm, nn.Identity))
    if dirac:
        nn.init.dirac_(conv.weight.data[:in_channels])
    return conv


def lean(
    *,
    in_channels: int,
    image_size: Size,
    classes: int,
    block: BlockFactory,
    norm: NormLayer,
    activation: ActivationLayer,
    options: LeanOptions,
) -> nn.Sequential:
    """A whitening convolution, three stages of a convolution, a max pooling and a block, a global maximum.

    For 3x32x32 images, width 32 and 10 classes, shapes as channels x height x width::

        whiten activation1                                        24x31x31
        stage1_conv stage1_pool [stage1_norm] stage1_activation   32x15x15
        stage1_block                                              32x15x15
        stage2_...                                                128x7x7
        stage3_...                                                128x3x3
        maxpool flatten                                           128
        dense1 scale                                              10

    Without ``whiten`` the first convolution, then called ``conv1``, is learnt. Images may be of another size
    than those that it was built for, if block and norm allow it. Source: Jordan, 94% on CIFAR-10 in 3.29
    seconds on a single GPU, 2024 (airbench94), whose block is ``conv``.

    Raises:
        ValueError: the image is smaller than 9x9.
    """
    if min(image_size) < SMALLEST:
        height, width = image_size
        raise ValueError(f"images of {height}x{width} are too small: {SMALLEST}x{SMALLEST} is the least")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 8 * in_channels
    if options.whiten:
        layers["whiten"] = WhiteningConv(in_channels, options.whiten_eps)
    else:
        layers["conv1"] = nn.Conv2d(in_channels, channels, 2)
    layers["activation1"] = activation()
    height, width = image_size[0] - 1, image_size[1] - 1
    for stage, factor in enumerate(STAGES, 1):
        out_channels, name = factor * options.width, f"stage{stage}"
        height, width = height // 2, width // 2
        layer = norm(out_channels, (height, width))
        layers[f"{name}_conv"] = convolution(channels, out_channels, norm=layer, dirac=options.dirac)
        layers[f"{name}_pool"] = nn.MaxPool2d(2)
        if not isinstance(layer, nn.Identity):
            layers[f"{name}_norm"] = layer
        layers[f"{name}_activation"] = activation()
        layers[f"{name}_block"] = block(out_channels, out_channels, size=(height, width))
        channels = out_channels
    layers["maxpool"] = nn.AdaptiveMaxPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dense1"] = nn.Linear(channels, classes, bias=False)
    layers["scale"] = Scale(options.logit_scale)
    return nn.Sequential(layers)
