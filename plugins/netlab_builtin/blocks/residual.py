"""The residual block."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size
from netlab_builtin.blocks.options import ResidualOptions


def two_convolutions(
    in_channels: int,
    out_channels: int,
    *,
    size: Size,
    stride: int,
    norm: NormLayer,
    activation: ActivationLayer,
) -> nn.Sequential:
    """conv 3x3 - norm - activation - conv 3x3 - norm, from (N, in, H, W) to (N, out, *size)."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1),
            norm1=norm(out_channels, size),
            activation1=activation(),
            conv2=nn.Conv2d(out_channels, out_channels, 3, padding=1),
            norm2=norm(out_channels, size),
        )
    )


def skip_connection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The identity where shapes agree, else a 1x1 convolution (He et al. 2016, option B)."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Conv2d(in_channels, out_channels, 1, stride=stride)


class ResidualBlock(nn.Module):
    """``activation(F(x) + skip(x))`` with F = conv - norm - activation - conv - norm, all 3x3 with bias.

    Source: He et al. 2016, equation 1, with the activation and norm as chosen. Without ``skip``
    nothing is added. Input (N, in_channels, H, W), output (N, out_channels, ceil(H / stride),
    ceil(W / stride)).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        size: Size,
        norm: NormLayer,
        activation: ActivationLayer,
        options: ResidualOptions,
        stride: int = 1,
    ) -> None:
        super().__init__()
        out_size = (-(-size[0] // stride), -(-size[1] // stride))
        self.path = two_convolutions(
            in_channels, out_channels, size=out_size, stride=stride, norm=norm, activation=activation
        )
        self.skip = skip_connection(in_channels, out_channels, stride) if options.skip else None
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        out = self.path(x)
        if self.skip is not None:
            out = out + self.skip(x)
        return self.activation(out)
