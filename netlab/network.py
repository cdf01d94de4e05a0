"""Backbone x block x norm -> ``nn.Module``, and its table of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netlab.engine.blame import of_the_machine
from netlab.engine.catalog import Component, Part
from netlab.errors import NetlabError, UsageError, first_line
from netlab.kinds.activation import ActivationLayer
from netlab.kinds.backbone import ImageInitialized, Pretrained
from netlab.kinds.block import BlockFactory, NormLayer, Size
from netlab.kinds.norm import Where
from netlab.pretrained import PretrainedNetwork, pretrained_from, with_head


def norm_layer(norm: Part, where: Where) -> NormLayer:
    """The chosen norm with its options and place bound."""

    def make(channels: int, size: Size) -> nn.Module:
        module = norm.component.build(channels, size, where=where, options=norm.options)
        return checked_module(norm.component, module, (channels, *size), (channels, *size))

    return make


def checked_module(
    component: Component, module: Any, given: tuple[int, ...], expected: tuple[int, ...]
) -> nn.Module:
    """A part's module, if it maps float (N, *given) to float (N, *expected).

    A stranger's is tried on one image of zeros, in evaluation mode: later, a wrong shape would fail in
    the next layer, which is another's. netlab's own are tested.

    Raises:
        PluginError: it is no module, its forward fails, or its result is another.
    """
    if not isinstance(module, nn.Module):
        raise component.broke(f"it gave {type(module).__name__}, not an nn.Module")
    if component.plugin.builtin:
        return module
    was_training = module.training
    zeros = torch.zeros(1, *given)
    try:
        with torch.no_grad():
            found = module.eval()(zeros)
    except Exception as error:
        if of_the_machine(error) or isinstance(error, NetlabError):
            raise
        raise component.failed(error, "use") from error
    finally:
        module.train(was_training)
    if not isinstance(found, torch.Tensor) or found.dtype != zeros.dtype or found.shape[1:] != expected:
        shown = (
            f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
        )
        raise component.broke(
            f"its forward made {shown} of {(1, *given)}, expected {zeros.dtype} {(1, *expected)}"
        )
    return module


def activation_layer(activation: Part) -> ActivationLayer:
    """The chosen activation with its options bound."""

    def make() -> nn.Module:
        module = activation.component.build(options=activation.options)
        return checked_module(activation.component, module, (2, 3, 3), (2, 3, 3))

    return make


def block_factory(block: Part, norm: Part, activation: Part) -> BlockFactory:
    """The chosen block with its options, norm and activation bound.

    A block that does not claim strides (tag ``stride``) is preceded by an average pooling, so any
    block fits any backbone.
    """
    bound = {"norm": norm_layer(norm, "block"), "activation": activation_layer(activation)}
    strided = "stride" in block.component.spec.tags

    def make(in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module:
        reduced = (math.ceil(size[0] / stride), math.ceil(size[1] / stride))
        given = size if strided else reduced
        keywords: dict[str, Any] = {"size": given, "options": block.options, **bound}
        if strided and stride != 1:
            keywords["stride"] = stride
        module = block.component.build(in_channels, out_channels, **keywords)
        module = checked_module(block.component, module, (in_channels, *given), (out_channels, *reduced))
        if strided or stride == 1:
            return module
        return nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), module)

    return make


def assemble(
    parts: Mapping[str, Part],
    *,
    in_channels: int,
    image_size: Size,
    classes: int,
    seed: int = 0,
    pretrained: Pretrained | None = None,
) -> nn.Sequential:
    """Build the network, its weights drawn from ``seed`` without touching the global generator.

    ``parts`` are keyed by kind: backbone, block, norm, activation. Input (N, in_channels, *image_size)
    float; output logits (N, classes). ``pretrained`` is what a backbone that is tagged so has given; without
    it, its weights are random.

    Raises:
        UsageError: the parts do not fit together (image too small, groups that do not divide, ...).
        PluginError: a plugin's part failed, or the backbone gave something else than ``nn.Sequential``.
    """
    backbone, norm, activation = parts["backbone"], parts["norm"], parts["activation"]
    if "pretrained" in backbone.component.spec.tags:
        pretrained = pretrained or pretrained_from(backbone, weights="none", offline=True)
        return with_head(
            backbone.component, pretrained, in_channels=in_channels, image_size=image_size, classes=classes
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = backbone.component.build(
            in_channels=in_channels,
            image_size=image_size,
            classes=classes,
            block=block_factory(parts["block"], norm, activation),
            norm=norm_layer(norm, "stem"),
            activation=activation_layer(activation),
            options=backbone.options,
        )
    if not isinstance(network, nn.Sequential):
        raise backbone.component.broke(
            f"it gave {type(network).__name__}, not an nn.Sequential of named layers"
        )
    return network


def initialize_from_images(network: nn.Module, images: torch.Tensor, backbone: Component) -> None:
    """Let the layers that ask for it set their first weights from normalized images (N, C, H, W).

    Raises:
        UsageError: the images do not suffice.
        PluginError: a layer of a plugin's backbone failed.
    """
    for layer in network.modules():
        if isinstance(layer, ImageInitialized):
            with torch.no_grad():
                backbone.call(layer.initialize_from, images)


def check_early_size(network: nn.Module, images: torch.Tensor, side: int) -> None:
    """Refuse a smaller size of the first epochs' images (N, C, H, W) that the network does not take.

    Raises:
        UsageError: it does not; or it is pretrained.
    """
    shorter = min(images.shape[2:])
    if not side or side >= shorter:
        return
    if isinstance(network, PretrainedNetwork):
        raise UsageError(f"--early-size {side}: a pretrained network is trained on images of one size")
    smaller = nn.functional.interpolate(
        images, [round(length * side / shorter) for length in images.shape[2:]]
    )
    try:
        with torch.no_grad():
            network.eval()(smaller)
    except (RuntimeError, ValueError) as error:
        raise UsageError(
            f"--early-size {side}: the network takes images of {shorter} pixels alone ({first_line(error)});"
            " use --early-size 0, or a backbone and a norm that take any size"
        ) from None
    finally:
        network.train()


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
