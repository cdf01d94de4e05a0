"""The plainest block: one convolution."""

from __future__ import annotations

from torch import Tensor, nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size
from netlab_builtin.blocks.options import ConvOptions


class ConvBlock(nn.Module):
    """``activation(norm(conv(x)))``, the convolution 3x3, with a bias where there is no norm.

    Input (N, in_channels, H, W), output (N, out_channels, ceil(H / stride), ceil(W / stride)). With ``dirac``
    the first ``in_channels`` filters begin as the identity: Zagoruyko and Komodakis, DiracNets, 2017.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        size: Size,
        norm: NormLayer,
        activation: ActivationLayer,
        options: ConvOptions,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.norm = norm(out_channels, (-(-size[0] // stride), -(-size[1] // stride)))
        bias = isinstance(self.norm, nn.Identity)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=bias)
        if options.dirac:
            nn.init.dirac_(self.conv.weight.data[:in_channels])
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.norm(self.conv(x)))
        return out
