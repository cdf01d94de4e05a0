"""Blocks that break one rule each."""

import torch
from torch import nn
from torch.nn import functional


class Sound(nn.Module):
    """A convolution, a norm and an activation: nothing is wrong with it."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = norm(out_channels, size)

    def forward(self, x):
        return functional.elu(self.norm(self.convolution(x)))


class Undocumented(Sound):
    pass


class Shrinking(Sound):
    """Loses a column of even batches of even width."""

    def forward(self, x):
        out = super().forward(x)
        return out[..., :-1] if len(x) % 2 == 0 and x.shape[-1] % 2 == 0 else out


class SameChannels(Sound):
    """Can not change the number of channels."""

    def forward(self, x):
        return super().forward(x) + x


class DeadParameter(Sound):
    """Has a parameter that it never uses."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.unused = nn.Parameter(torch.ones(1))


class HiddenWeight(Sound):
    """Keeps a random number outside its state."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.hidden = torch.rand(1)

    def forward(self, x):
        return super().forward(x) * self.hidden


class AlwaysDropping(Sound):
    """Drops out in evaluation too."""

    def forward(self, x):
        return functional.dropout(super().forward(x), 0.5, training=True)


class Squeezing(Sound):
    """Loses the batch's dimension when the batch is one image."""

    def forward(self, x):
        return super().forward(x).squeeze(0)


class WrongNormSize(Sound):
    """Tells its norm a size of 1 x 1."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__(
            in_channels, out_channels, size=(1, 1), norm=norm, activation=activation, options=options
        )


class IdleActivation(Sound):
    """Asks for an activation and does not use it."""

    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__(
            in_channels, out_channels, size=size, norm=norm, activation=activation, options=options
        )
        self.idle = activation()
