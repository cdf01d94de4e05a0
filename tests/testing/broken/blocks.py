"""Blocks with one mistake each: shapes, types, memory, and what they are given."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Sound(nn.Module):
    """Convolution, norm, activation, and the input added through a 1x1 convolution."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options, stride=1):
        super().__init__()
        self.size = tuple(math.ceil(side / stride) for side in size)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.norm, self.activation = norm(out_channels, self.size), activation()
        self.skip = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def path(self, x):
        return self.norm(self.conv(x))

    def forward(self, x):
        return self.activation(self.path(x) + self.skip(x))


class TableInFloat32(Sound):
    """Writes the path into a float32 table by index."""

    def forward(self, x):
        path = self.path(x)
        table = torch.zeros(path.shape)
        table[torch.arange(len(x))] = path
        return self.activation(table + self.skip(x))


class DoubleScale(Sound):
    """Scales by a float64 tensor from NumPy."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.register_buffer("scale", torch.from_numpy(np.full((1, 1, 1, 1), math.sqrt(0.5))))

    def forward(self, x):
        return super().forward(x) * self.scale


class ViewOfRows(Sound):
    """Flattens by view, which only images in rows allow."""

    def forward(self, x):
        flat = x.view(len(x), -1)
        return super().forward((flat - flat.mean(1, keepdim=True)).view(x.shape))


class Strided(Sound):
    """Takes it that channels come first in memory, by strides."""

    def forward(self, x):
        flat = torch.as_strided(x, x.shape, (x[0].numel(), x[0, 0].numel(), x.shape[3], 1))
        return super().forward(flat)


class FloorStride(Sound):
    """A strided block that rounds an odd size down."""

    def __init__(self, in_channels, out_channels, *, stride=1, **keywords):
        super().__init__(in_channels, out_channels, stride=1, **keywords)
        self.pool = nn.AvgPool2d(stride)

    def forward(self, x):
        return self.pool(super().forward(x))


class StrideTwoOnly(Sound):
    """Any stride above one counts as two."""

    def __init__(self, in_channels, out_channels, *, stride=1, **keywords):
        super().__init__(in_channels, out_channels, stride=min(stride, 2), **keywords)


class NormOfInputSize(Sound):
    """Tells the norm the size before its stride."""

    def __init__(self, in_channels, out_channels, *, size, norm, stride=1, **keywords):
        super().__init__(
            in_channels, out_channels, size=size, norm=lambda c, s: norm(c, size), stride=stride, **keywords
        )


class OwnBatchNorm(Sound):
    """Always a batch norm, whatever was chosen."""

    def __init__(self, in_channels, out_channels, *, norm, **keywords):
        super().__init__(in_channels, out_channels, norm=lambda c, s: nn.BatchNorm2d(c), **keywords)


class NormMadeNotUsed(Sound):
    """Makes the norm and forgets it in forward."""

    def path(self, x):
        return self.conv(x)


class OwnRelu(Sound):
    """Always a ReLU, whatever was chosen."""

    def __init__(self, in_channels, out_channels, *, activation, **keywords):
        super().__init__(in_channels, out_channels, activation=nn.ReLU, **keywords)


class AddsInPlace(Sound):
    """Adds its path to the input in place."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.same = in_channels == out_channels

    def forward(self, x):
        path = self.path(x)
        if self.same and path.shape == x.shape and not x.requires_grad:
            return self.activation(x.add_(path))
        return self.activation(path + self.skip(x))


class CentresTheBatch(Sound):
    """Subtracts the mean of the batch."""

    def path(self, x):
        x = super().path(x)
        return x - x.mean(0, keepdim=True) if len(x) > 1 else x


class CentresInTraining(Sound):
    """Subtracts the mean of the batch, in training only."""

    def path(self, x):
        x = super().path(x)
        return x - x.mean((0, 2, 3), keepdim=True) if self.training else x


class AttentionOverBatch(Sound):
    """Its softmax over channels runs over the images."""

    def path(self, x):
        x = super().path(x)
        return x * torch.softmax(x.mean((2, 3), keepdim=True), dim=0)


class ReflectPadding(Sound):
    """Pads by reflection, which maps of 1 x 1 do not allow."""

    def path(self, x):
        return super().path(functional.pad(x, (1, 1, 1, 1), mode="reflect")[:, :, 1:-1, 1:-1])


class DividesByEight(Sound):
    """Reduces to channels / 8, which is 0 for few channels."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.down = nn.Linear(out_channels, out_channels // 8)
        self.up = nn.Linear(out_channels // 8, out_channels)

    def path(self, x):
        x = super().path(x)
        gates = self.down(x.mean((2, 3)))
        return (
            x
            * torch.sigmoid(self.up(gates / gates.shape[1] ** 0.5 * (1 / max(gates.shape[1], 0))))[
                ..., None, None
            ]
        )


class DetachedPath(Sound):
    """The path is detached by mistake: its weights never learn."""

    def path(self, x):
        return super().path(x).detach()


class DeadBranch(Sound):
    """A branch is multiplied by zero."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.branch = nn.Conv2d(out_channels, out_channels, 1)

    def path(self, x):
        x = super().path(x)
        return x + 0.0 * self.branch(x)


class SwappedSize(Sound):
    """Reads size as (width, height): its position table fits squares only."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.place = nn.Parameter(torch.zeros(1, out_channels, self.size[1], self.size[0]))

    def path(self, x):
        return super().path(x) + self.place


class EvenKernel(Sound):
    """An option that gives even kernels, by which the map grows."""

    def __init__(self, in_channels, out_channels, *, options, stride=1, **keywords):
        super().__init__(in_channels, out_channels, options=options, stride=stride, **keywords)
        self.conv = nn.Conv2d(
            in_channels, out_channels, options.kernel, stride=stride, padding=options.kernel // 2
        )


class FixedSize(Sound):
    """Scales its path to the size that it was built for."""

    def path(self, x):
        return functional.interpolate(super().path(x), self.size)

    def forward(self, x):
        return self.activation(self.path(x) + functional.interpolate(self.skip(x), self.size))
