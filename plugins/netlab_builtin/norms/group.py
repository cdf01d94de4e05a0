"""Group normalization."""

from __future__ import annotations

from torch import nn

from netlab.kinds.block import Size
from netlab.kinds.norm import Where
from netlab_builtin.norms.options import GroupNormOptions


def group_norm(channels: int, size: Size, *, where: Where, options: GroupNormOptions) -> nn.Module:
    """As batch normalization, mean and variance over a group of channels, height and width of one image.

    Source: Wu and He 2018, equation 7. 2 x channels parameters.

    Raises:
        ValueError: the number of groups does not divide the channels.
    """
    name, groups = ("block_groups", options.block_groups) if where == "block" else ("groups", options.groups)
    if channels % groups:
        divisors = [str(g) for g in range(1, channels + 1) if channels % g == 0]
        raise ValueError(
            f"{name} = {groups} does not divide {channels} channels; use one of {', '.join(divisors)}"
            f" (--norm.{name.replace('_', '-')})"
        )
    return nn.GroupNorm(groups, channels, eps=options.eps)
