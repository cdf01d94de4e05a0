"""The grouped-path block."""

from __future__ import annotations

from torch import Tensor, nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size
from netlab_builtin.blocks.options import GroupedPathOptions
from netlab_builtin.blocks.residual import skip_connection, two_convolutions


class GroupedPathBlock(nn.Module):
    """``activation(sum_p F_p(x) + skip(x))``, each path F_p = conv - norm - activation - conv - norm.

    Source: Xie et al. 2017, equation 3, with full-width 3x3 paths instead of bottlenecks, so the
    parameters grow in proportion to ``paths``. Shapes as for the residual block.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        size: Size,
        norm: NormLayer,
        activation: ActivationLayer,
        options: GroupedPathOptions,
        stride: int = 1,
    ) -> None:
        super().__init__()
        out_size = (-(-size[0] // stride), -(-size[1] // stride))
        self.paths = nn.ModuleList(
            two_convolutions(
                in_channels,
                out_channels,
                size=out_size,
                stride=stride,
                norm=norm,
                activation=activation,
            )
            for _ in range(options.paths)
        )
        self.skip = skip_connection(in_channels, out_channels, stride) if options.skip else None
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        out = self.paths[0](x)
        for path in self.paths[1:]:
            out = out + path(x)
        if self.skip is not None:
            out = out + self.skip(x)
        return self.activation(out)
