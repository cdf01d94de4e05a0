"""Backbone x block x norm -> ``nn.Module``, and its table of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netlab.engine.catalog import Component
from netlab.errors import PluginError
from netlab.kinds.block import BlockFactory, NormLayer, Size
from netlab.kinds.norm import Where


@dataclass(frozen=True, slots=True)
class Part:
    """A chosen component and its validated options (a pydantic model or None)."""

    component: Component
    options: Any


def norm_layer(norm: Part, where: Where) -> NormLayer:
    """The chosen norm with its options and place bound."""

    def make(channels: int, size: Size) -> nn.Module:
        return norm.component.build(channels, size, where=where, options=norm.options)

    return make


def block_factory(block: Part, norm: Part) -> BlockFactory:
    """The chosen block with its options and norm bound.

    A block that does not claim strides (tag ``stride``) is preceded by an average pooling, so any
    block fits any backbone.
    """
    inner_norm = norm_layer(norm, "block")
    strided = "stride" in block.component.spec.tags

    def make(in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module:
        keywords: dict[str, Any] = {"size": size, "norm": inner_norm, "options": block.options}
        if stride == 1:
            return block.component.build(in_channels, out_channels, **keywords)
        if strided:
            return block.component.build(in_channels, out_channels, stride=stride, **keywords)
        keywords["size"] = (math.ceil(size[0] / stride), math.ceil(size[1] / stride))
        return nn.Sequential(
            nn.AvgPool2d(stride, ceil_mode=True), block.component.build(in_channels, out_channels, **keywords)
        )

    return make


def assemble(
    backbone: Part,
    block: Part,
    norm: Part,
    *,
    in_channels: int,
    image_size: Size,
    classes: int,
    seed: int = 0,
) -> nn.Sequential:
    """Build the network, its weights drawn from ``seed`` without touching the global generator.

    Input (N, in_channels, *image_size) float; output logits (N, classes).

    Raises:
        UsageError: the parts do not fit together (image too small, groups that do not divide, ...).
        PluginError: a plugin's part failed, or the backbone gave something else than ``nn.Sequential``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = backbone.component.build(
            in_channels=in_channels,
            image_size=image_size,
            classes=classes,
            block=block_factory(block, norm),
            norm=norm_layer(norm, "stem"),
            options=backbone.options,
        )
    if not isinstance(network, nn.Sequential):
        raise PluginError(
            f"{backbone.component.title} gave {type(network).__name__}, not an nn.Sequential of named layers"
        )
    return network


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One top-level layer: output shape without the batch, parameters, multiply-adds for one image."""

    name: str
    type: str
    output: tuple[int, ...]
    parameters: int
    macs: int


def count_parameters(module: nn.Module) -> int:
    """How many trainable and fixed parameters the module has (buffers excluded)."""
    return sum(parameter.numel() for parameter in module.parameters())


def summarize(network: nn.Sequential, *, in_channels: int, image_size: Size) -> Iterator[LayerSummary]:
    """Run one zero image through the layers and describe each, in the order of execution.

    Multiply-adds count convolutions and matrix products (PyTorch's flop counter, halved); norms,
    activations and poolings count 0.
    """
    was_training = network.training
    network.eval()
    x = torch.zeros(1, in_channels, *image_size)
    try:
        for name, layer in network.named_children():
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                x = layer(x)
            yield LayerSummary(
                name=name,
                type=type(layer).__name__,
                output=tuple(x.shape[1:]),
                parameters=count_parameters(layer),
                macs=counter.get_total_flops() // 2,
            )
    finally:
        network.train(was_training)
