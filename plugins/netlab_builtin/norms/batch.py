"""Batch normalization."""

from __future__ import annotations

from torch import nn

from netlab.kinds.block import Size
from netlab.kinds.norm import Where
from netlab_builtin.norms.options import BatchNormOptions


def batch_norm(channels: int, size: Size, *, where: Where, options: BatchNormOptions) -> nn.Module:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, mean and variance over batch, height and width.

    Source: Ioffe and Szegedy 2015, algorithm 1. 2 x channels parameters; running statistics in
    evaluation mode. Without ``scale`` the weights stay 1 and only biases are learnt.
    """
    norm = nn.BatchNorm2d(channels, eps=options.eps, momentum=options.momentum)
    norm.weight.requires_grad_(options.scale)
    return norm
