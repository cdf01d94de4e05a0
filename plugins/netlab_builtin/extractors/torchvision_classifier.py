"""The convolutional part of torchvision's classifiers, cut where the map gets smaller."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torchvision import models

from netlab.kinds.extractor import FeatureMaps

if TYPE_CHECKING:
    from netlab_builtin.extractors.options import ExtractorOptions, TorchvisionOptions

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_PROBE = 128  # the side of the blank image whose maps show where a network shrinks it


def mobilenet_v2(*, weights: str, options: ExtractorOptions) -> FeatureMaps:
    """MobileNetV2: maps of stride 2, 4, 8, 16 and 32 with 16, 24, 32, 96 and 1280 channels."""
    return _feature_maps("mobilenet_v2", weights, options.crop_size)


def torchvision_classifier(*, weights: str, options: TorchvisionOptions) -> FeatureMaps:
    """Any torchvision classifier that ends in a convolutional feature map.

    Raises:
        ValueError: torchvision has no such classifier, or it has no feature map (ViT, MaxViT).
    """
    names = models.list_models(module=models)
    if options.variant not in names:
        near = difflib.get_close_matches(options.variant, names, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names)}"
        raise ValueError(f"torchvision has no classifier '{options.variant}': {hint}")
    return _feature_maps(options.variant, weights, options.crop_size)


def _feature_maps(name: str, weights: str, crop_size: int) -> FeatureMaps:
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if weights == "imagenet":
        pretrained = models.get_model_weights(name).DEFAULT
        network = _downloaded(name, pretrained)
        preset = pretrained.transforms()
        mean, std = tuple(preset.mean), tuple(preset.std)
        source = f"torchvision {pretrained}"
    else:
        network = _untrained(name)
        source = "random"
        if weights != "none":
            _load(network, Path(weights))
            source = Path(weights).name
    network.eval().requires_grad_(False)
    stages, channels, strides = _cut(name, network)
    return FeatureMaps(stages, channels, strides, mean, std, crop_size, source)


def _untrained(name: str) -> nn.Module:
    """The network with random weights, always the same ones.

    In evaluation mode a fresh batch norm changes nothing, and random layers in a row make features
    vanish (1e-9 in MobileNetV2). So its statistics are taken from noise, as training would from images.
    """
    keywords = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: nn.Module = models.get_model(name, weights=None, **keywords)
        norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if norms:
            coarse = torch.randn(4, 3, 8, 8)
            network.eval()
            for norm in norms:
                norm.train()
                norm.momentum = 1.0  # one batch is all there is
            size = 2 * _PROBE if name != "inception_v3" else 299
            with torch.inference_mode():
                network(nn.functional.interpolate(coarse, size=(size, size), mode="bilinear"))
            for norm in norms:
                norm.momentum = 0.1
    return network


def _downloaded(name: str, pretrained: Any) -> nn.Module:
    try:
        return models.get_model(name, weights=pretrained)
    except OSError as error:  # urllib's URLError and HTTPError are OSErrors
        raise FileNotFoundError(
            f"the ImageNet weights of {name} are not in torchvision's cache and could not be downloaded"
            f" ({error}); give a file with --weights PATH, or --weights none for random ones"
        ) from error


def _load(network: nn.Module, path: Path) -> None:
    """Fill ``network`` from a safetensors or weights-only file; its classifier may be missing."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path} (or use 'imagenet' or 'none')")
    given = _read(path)
    wanted = network.state_dict()
    trunk = {key for key in wanted if key.split(".")[0] not in _HEADS}
    for key, value in given.items():
        if key not in wanted:
            raise ValueError(f"{path.name} does not fit the network: it has no '{key}'")
        if key in trunk and value.shape != wanted[key].shape:
            raise ValueError(
                f"{path.name} does not fit the network: '{key}' is {tuple(value.shape)},"
                f" expected {tuple(wanted[key].shape)}"
            )
    for key in wanted:
        if key in trunk and key not in given and not key.endswith("num_batches_tracked"):
            raise ValueError(f"{path.name} does not fit the network: '{key}' is missing from it")
    network.load_state_dict({key: given[key] for key in trunk if key in given}, strict=False)


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path.name} is not a safetensors file: {error}") from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path.name} can not be read as a weights-only file: {type(error).__name__}"
        ) from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"{path.name} is not a state dict: expected a mapping of names to tensors")
    return found


# What follows the last feature map, by the names that torchvision gives it.
_HEADS = frozenset({"avgpool", "classifier", "fc", "head", "heads", "dropout", "AuxLogits", "aux1", "aux2"})


def _trunk(network: nn.Module) -> list[nn.Module]:
    """The layers that make the last feature map, in the order of execution."""
    layers: list[nn.Module] = []
    for name, child in network.named_children():
        if name in _HEADS or name == "flatten":
            continue
        layers += list(child) if isinstance(child, nn.Sequential) else [child]
    return layers


def _cut(name: str, network: nn.Module) -> tuple[tuple[nn.Module, ...], tuple[int, ...], tuple[int, ...]]:
    """Stages that each end with the last layer before the map shrinks again."""
    layers = _trunk(network)
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
