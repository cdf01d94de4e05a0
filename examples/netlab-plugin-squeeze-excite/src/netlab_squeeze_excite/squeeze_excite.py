"""The block 'squeeze-excite'."""

import torch
from torch import Tensor, nn
from torch.nn import functional

MOMENTUM = 0.05  # what one batch counts in the running mean of the gates


class SqueezeExciteBlock(nn.Module):
    """``activation(s(F(x)) * F(x) + skip(x))`` with F = conv3x3 - norm - activation - conv3x3 - norm.

    Source: Hu, Shen and Sun, Squeeze-and-Excitation Networks, CVPR 2018, equations 2 to 4: the average of
    every channel passes a dense layer to ``out_channels / reduction`` numbers, a ReLU, a dense layer back
    and a sigmoid; the result, in (0, 1), multiplies the channel.

    Input (N, in_channels, H, W), output (N, out_channels, ceil(H / stride), ceil(W / stride)).

    The buffer ``gates`` (out_channels,) is the running mean of that number over the images seen in training,
    so that a report can show it from the weights alone. It changes nothing in what is computed.
    """

    gates: Tensor

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options, stride=1):
        super().__init__()
        height, width = size
        out_size = (-(-height // stride), -(-width // stride))
        self.path = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1),
            norm(out_channels, out_size),
            activation(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            norm(out_channels, out_size),
        )
        squeezed = max(out_channels // options.reduction, 1)
        self.squeeze = nn.Linear(out_channels, squeezed)
        self.excite = nn.Linear(squeezed, out_channels)
        self.register_buffer("gates", torch.full((out_channels,), 0.5))
        self.activation = activation()
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            self.skip = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        features = self.path(x)
        weights = torch.sigmoid(self.excite(functional.relu(self.squeeze(features.mean((2, 3))))))
        if self.training:
            with torch.no_grad():
                self.gates.lerp_(weights.mean(0).to(self.gates.dtype), MOMENTUM)
        return self.activation(features * weights[:, :, None, None] + self.skip(x))
