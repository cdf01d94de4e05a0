"""Layer normalization."""

from __future__ import annotations

from torch import nn

from netlab.kinds.block import Size
from netlab.kinds.norm import Where
from netlab_builtin.norms.options import LayerNormOptions


def layer_norm(channels: int, size: Size, *, where: Where, options: LayerNormOptions) -> nn.Module:
    """As batch normalization, mean and variance over channels, height and width of one image.

    Source: Ba et al. 2016, equation 3, with a weight and a bias for every element, so
    2 x channels x height x width parameters and a fixed image size.
    """
    return nn.LayerNorm([channels, *size], eps=options.eps)
