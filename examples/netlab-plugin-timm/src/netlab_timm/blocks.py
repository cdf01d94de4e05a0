"""The blocks 'timm-basic' and 'timm-bottleneck': those of timm's residual networks."""

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import nn

from netlab_timm.placing import place_norms


class _Place(nn.BatchNorm2d):
    """Where the chosen norm will be. A batch norm inside an attention is none of these."""

    def __init__(self, channels, **ignored):
        super().__init__(channels)


def basic(in_channels, out_channels, *, size, norm, activation, options, stride=1):
    """``act(attention(norm(conv3x3(act(norm(conv3x3(x)))))) + skip(x))``, timm's ``BasicBlock``.

    Input (N, in_channels, H, W), output (N, out_channels, ceil(H / stride), ceil(W / stride)).
    """
    return _block(BasicBlock, in_channels, out_channels, size, norm, activation, options, stride)


def bottleneck(in_channels, out_channels, *, size, norm, activation, options, stride=1):
    """``act(attention(norm(conv1x1(path(x)))) + skip(x))``, timm's ``Bottleneck``.

    The path is 1x1 to a quarter of the channels, then 3x3, each with norm and activation. Input
    (N, in_channels, H, W), output (N, out_channels, ceil(H / stride), ceil(W / stride)).

    Raises:
        ValueError: ``out_channels`` is no multiple of four.
    """
    return _block(Bottleneck, in_channels, out_channels, size, norm, activation, options, stride)


def _block(kind, in_channels, out_channels, size, norm, activation, options, stride):
    if out_channels % kind.expansion:
        raise ValueError(f"a bottleneck needs a multiple of {kind.expansion} channels, not {out_channels}")
    skip = None
    if stride > 1 or in_channels != out_channels:
        skip = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), _Place(out_channels)
        )
    block = kind(
        in_channels,
        out_channels // kind.expansion,
        stride=stride,
        downsample=skip,
        act_layer=lambda **ignored: activation(),  # timm asks for one that works in place
        norm_layer=_Place,
        attn_layer=None if options.attention == "none" else options.attention,
    )
    place_norms(block, torch.zeros(1, in_channels, *size), norm, _Place)
    return block
