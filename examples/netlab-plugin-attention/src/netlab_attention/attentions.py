"""The attentions, and the block that takes one."""

import torch
from torch import Tensor, nn

from netlab.kinds.activation import ActivationLayer
from netlab.kinds.block import NormLayer, Size

from .options import AttentiveOptions, EcaOptions, SeOptions


class Eca(nn.Module):
    """``x * sigmoid(conv1d(mean(x)))``, the convolution of width k over the channels.

    Source: Wang et al., ECA-Net, CVPR 2020, equation 9.
    """

    def __init__(self, channels: int, *, options: EcaOptions) -> None:
        super().__init__()
        self.mix = nn.Conv1d(1, 1, options.k | 1, padding=options.k // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.mix(x.mean((2, 3))[:, None])[:, 0])
        return x * weights[:, :, None, None]


class Se(nn.Module):
    """``x * sigmoid(W2 relu(W1 mean(x)))``.

    Source: Hu, Shen and Sun, Squeeze-and-Excitation Networks, CVPR 2018, equations 2 to 4.
    """

    def __init__(self, channels: int, *, options: SeOptions) -> None:
        super().__init__()
        squeezed = max(channels // options.reduction, 1)
        self.weigh = nn.Sequential(nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.weigh(x.mean((2, 3))))[:, :, None, None]


class AttentiveBlock(nn.Module):
    """``act(attention(norm(conv3x3(x))) + skip(x))``: (N, in_channels, H, W) to (N, out_channels, H, W)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        size: Size,
        norm: NormLayer,
        activation: ActivationLayer,
        options: AttentiveOptions,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.path = nn.Sequential(convolution, norm(out_channels, size), options.attention(out_channels))
        self.activation = activation()
        self.skip = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.path(x) + self.skip(x))
