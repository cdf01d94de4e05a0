"""Blocks with one mistake each: what they keep, draw and change beside their output."""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from broken.blocks import Sound


class SeedsGlobally(Sound):
    """Seeds PyTorch for its weights."""

    def __init__(self, *args, **keywords):
        torch.manual_seed(0)
        super().__init__(*args, **keywords)


class OwnFixedGenerator(Sound):
    """Draws its filters from a generator with a fixed seed: every network starts alike."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        generator = torch.Generator().manual_seed(3)
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0, 0.05, generator=generator)


class NumpyWeights(Sound):
    """Draws its filters with NumPy, which netlab does not seed for it."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.conv.weight.data = torch.from_numpy(
            np.random.normal(0, 0.05, tuple(self.conv.weight.shape)).astype(np.float32)
        )


class PythonDropPath(Sound):
    """Drops its path in training by Python's own generator."""

    def forward(self, x):
        keep = 1.0 if not self.training or random.random() > 0.2 else 0.0
        return self.activation(keep * self.path(x) + self.skip(x))


class ListOfLayers(Sound):
    """Keeps layers in a list, where no optimizer finds them."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.more = [nn.Conv2d(out_channels, out_channels, 1) for _ in range(2)]

    def path(self, x):
        x = super().path(x)
        for layer in self.more:
            x = x + layer(x)
        return x


class PlainTensor(Sound):
    """Keeps a fixed kernel as a plain attribute: .to(device) leaves it behind."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.blur = torch.full((out_channels, 1, 3, 3), 1 / 9)

    def path(self, x):
        x = super().path(x)
        return functional.conv2d(x, self.blur, padding=1, groups=x.shape[1])


class RunningMeanAttribute(Sound):
    """Keeps a running mean that is no buffer."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.mean = torch.zeros(1, out_channels, 1, 1)

    def path(self, x):
        x = super().path(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean((0, 2, 3), keepdim=True)
        return x - self.mean


class NotPersistent(Sound):
    """Keeps a running mean in a buffer that is not saved."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.register_buffer("mean", torch.zeros(1, out_channels, 1, 1), persistent=False)

    def path(self, x):
        x = super().path(x)
        if self.training:
            self.mean.lerp_(x.detach().float().mean((0, 2, 3), keepdim=True), 0.1)
        return x - self.mean


class GraphInBuffer(Sound):
    """Its running mean remembers how it was computed: the second backward pass fails."""

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        self.register_buffer("mean", torch.zeros(1, out_channels, 1, 1))

    def path(self, x):
        x = super().path(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean((0, 2, 3), keepdim=True)
        return x - self.mean


class RemembersLast(Sound):
    """Blends in the path of the forward before, if it had the same shape."""

    last = None

    def path(self, x):
        x = super().path(x)
        last, self.last = self.last, x.detach()
        if last is not None and last.shape == x.shape and not self.training:
            return 0.9 * x + 0.1 * last
        return x


class HookToItself(Sound):
    """A hook bound to the first module: a copy still writes into the original."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        conv = self.conv
        self.scaled = lambda x: conv(x) * 1.5

    def path(self, x):
        return self.norm(self.scaled(x))


class HoldsGenerator(Sound):
    """Holds a graph's tensor, which deepcopy refuses."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.size_of_weights = self.conv.weight.square().sum()

    def path(self, x):
        return super().path(x) / (1 + 0 * float(self.size_of_weights.detach()))


class AllowsTf32(Sound):
    """Changes the precision of everyone's matrix products."""

    def __init__(self, *args, **keywords):
        torch.set_float32_matmul_precision("medium")
        super().__init__(*args, **keywords)


class OneThread(Sound):
    """Sets the number of threads in forward."""

    def forward(self, x):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().forward(x)


class DefaultDouble(Sound):
    """Leaves another default dtype behind."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        torch.set_default_dtype(torch.float64)


class MakesLayersInForward(Sound):
    """Makes a layer when the first batch comes, after the optimizer was made."""

    late = None

    def path(self, x):
        x = super().path(x)
        if self.late is None:
            self.late = nn.Conv2d(x.shape[1], x.shape[1], 1)
        return self.late(x)


class PrintsShapes(Sound):
    """Prints while it runs."""

    def forward(self, x):
        print(tuple(x.shape))
        return super().forward(x)


class NormalizesItsWeights(Sound):
    """Rescales its weights in forward."""

    def forward(self, x):
        with torch.no_grad():
            self.conv.weight.div_(self.conv.weight.norm() / 3)
        return super().forward(x)


class SharedFilters(Sound):
    """All blocks share one layer, made once for a number of channels."""

    cache: dict = {}  # noqa: RUF012

    def __init__(self, in_channels, out_channels, **keywords):
        super().__init__(in_channels, out_channels, **keywords)
        key = in_channels, out_channels
        self.skip = self.cache.setdefault(key, self.skip) if self.conv.stride == (1, 1) else self.skip


class TrainForever(Sound):
    """Its dropout does not hear of eval()."""

    def path(self, x):
        return functional.dropout(super().path(x), 0.1)


class LaterStage(Sound):
    """Keeps the largest activation seen, and scales by it in evaluation."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.largest = 1.0

    def path(self, x):
        x = super().path(x)
        self.largest = max(self.largest, float(x.detach().abs().max()))
        return x / self.largest
