"""The convolutional part of torchvision's classifiers, cut where the map gets smaller."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import nn

from netlab.kinds.extractor import FeatureMaps
from netlab_builtin.extractors.classifier import classifier, known_name, preprocessing, trunk_layers

if TYPE_CHECKING:
    from netlab_builtin.extractors.options import ExtractorOptions, TorchvisionOptions

_PROBE = 128  # the side of the blank image whose maps show where a network shrinks it


def mobilenet_v2(*, weights: str, options: ExtractorOptions) -> FeatureMaps:
    """MobileNetV2: maps of stride 2, 4, 8, 16 and 32 with 16, 24, 32, 96 and 1280 channels."""
    return _feature_maps("mobilenet_v2", weights, options.crop_size)


def torchvision_classifier(*, weights: str, options: TorchvisionOptions) -> FeatureMaps:
    """Any torchvision classifier that ends in a convolutional feature map.

    Raises:
        ValueError: torchvision has no such classifier, or it has no feature map (ViT, MaxViT).
    """
    return _feature_maps(known_name(options.variant), weights, options.crop_size)


def _feature_maps(name: str, weights: str, crop_size: int) -> FeatureMaps:
    network, source = classifier(name, weights)
    network.requires_grad_(False)
    stages, channels, strides = _cut(name, network)
    expected = preprocessing(name)
    return FeatureMaps(stages, channels, strides, expected.mean, expected.std, crop_size, source)


def _cut(name: str, network: nn.Module) -> tuple[tuple[nn.Module, ...], tuple[int, ...], tuple[int, ...]]:
    """Stages that each end with the last layer before the map shrinks again."""
    layers = list(trunk_layers(network).values())
    image = torch.zeros(1, 3, _PROBE, _PROBE)
    sizes, channels = [], []
    try:
        for layer in layers:
            image = layer(image)
            if image.ndim != 4 or image.shape[2] != image.shape[3]:
                raise ValueError("not a map")
            sizes.append(image.shape[2])
            channels.append(image.shape[1])
    except (ValueError, RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(
            f"torchvision's {name} has no convolutional feature map to pool regions from"
        ) from error
    ends = [i for i in range(len(layers)) if i + 1 == len(layers) or sizes[i + 1] < sizes[i]]
    # A stride is a power of two; a map without padding is a little smaller than the image over it.
    strides = tuple(2 ** round(torch.log2(torch.tensor(_PROBE / sizes[end])).item()) for end in ends)
    starts = [0, *(end + 1 for end in ends[:-1])]
    stages = tuple(nn.Sequential(*layers[start : end + 1]) for start, end in zip(starts, ends, strict=True))
    kept = [i for i, stride in enumerate(strides) if i + 1 == len(strides) or strides[i + 1] > stride]
    merged = tuple(
        nn.Sequential(*itertools.chain.from_iterable(stages[first : last + 1])).eval()
        for first, last in zip([0, *(i + 1 for i in kept[:-1])], kept, strict=True)
    )
    return merged, tuple(channels[ends[i]] for i in kept), tuple(strides[i] for i in kept)
