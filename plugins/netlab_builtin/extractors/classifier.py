"""torchvision's classifiers with the weights that a user chose, as layers in the order of execution."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.densenet import DenseNet
from torchvision.models.vision_transformer import VisionTransformer

from netlab.kinds.backbone import Preprocessing
from netlab_builtin.extractors.weights import HEADS, load_weights

NOISE_SIDE = 256  # of the images of which batch norms of random networks take their statistics


def known_name(variant: str) -> str:
    """``variant``, if torchvision has such a classifier.

    Raises:
        ValueError: it has not; with the closest names.
    """
    names = models.list_models(module=models)
    if variant in names:
        return variant
    near = difflib.get_close_matches(variant, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names)}"
    raise ValueError(f"torchvision has no classifier '{variant}': {hint}")


def preprocessing(name: str) -> Preprocessing:
    """What torchvision's best weights of a classifier expect of an image."""
    preset = models.get_model_weights(name).DEFAULT.transforms()
    return Preprocessing(
        size=preset.crop_size[0],
        shorter=preset.resize_size[0],
        resampling="bicubic" if preset.interpolation.value == "bicubic" else "bilinear",
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def classifier(name: str, weights: str, *, offline: bool = False) -> tuple[nn.Module, str]:
    """The whole network in evaluation mode, and where its weights come from, in words.

    Raises:
        FileNotFoundError: the weights are not there, and were not downloaded.
        ValueError: they do not fit the network; the message names the layers.
    """
    if weights == "imagenet":
        chosen = models.get_model_weights(name).DEFAULT
        return downloaded(name, chosen, offline=offline).eval(), f"torchvision {chosen}"
    if weights == "none":
        return untrained(name).eval(), "random"
    network = plain(name)
    load_weights(network, name, Path(weights))
    return network.eval(), Path(weights).name


def plain(name: str) -> nn.Module:
    """The network as torchvision makes it, with weights to be replaced."""
    keywords = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network: nn.Module = models.get_model(name, weights=None, **keywords)
    return network


def untrained(name: str) -> nn.Module:
    """The network with random weights, always the same ones.

    In evaluation mode a fresh batch norm changes nothing, and random layers in a row make features
    vanish (1e-9 in MobileNetV2). So its statistics are taken from noise, as training would from images.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = plain(name)
        norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if norms:
            coarse = torch.randn(4, 3, 8, 8)
            network.eval()
            for norm in norms:
                norm.train()
                norm.momentum = 1.0  # one batch is all there is
            size = NOISE_SIDE if name != "inception_v3" else 299
            with torch.inference_mode():
                network(nn.functional.interpolate(coarse, size=(size, size), mode="bilinear"))
            for norm in norms:
                norm.momentum = 0.1
    return network


def downloaded(name: str, chosen: Any, *, offline: bool) -> nn.Module:
    """The network with weights from torchvision's cache, or else downloaded, their checksum compared."""
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(chosen.url).name
    advice = "give a file with --weights PATH, or --weights none for random ones"
    if offline and not cached.is_file():
        raise FileNotFoundError(
            f"the ImageNet weights of {name} are not at {cached}, and --offline: {advice}"
        )
    try:
        return models.get_model(name, weights=chosen)
    except OSError as error:  # urllib's URLError and HTTPError are OSErrors
        raise FileNotFoundError(
            f"the ImageNet weights of {name} are not in torchvision's cache and could not be downloaded"
            f" ({error}); {advice}"
        ) from error


def trunk_layers(network: nn.Module) -> OrderedDict[str, nn.Module]:
    """The layers up to the last features, named as in torchvision with ``_`` for ``.``: ``features_0``."""
    if isinstance(network, VisionTransformer):
        return transformer_layers(network)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if getattr(network, "transform_input", False):
        layers["input"] = InputOfInception()
    for name, child in network.named_children():
        if name in HEADS:
            continue
        if isinstance(child, nn.Sequential):
            layers.update((f"{name}_{inner}", layer) for inner, layer in child.named_children())
        else:
            layers[name] = child
    if isinstance(network, DenseNet):
        layers["relu"] = nn.ReLU()  # of its forward, where it is no module
    return layers


class InputOfInception(nn.Module):
    """What GoogLeNet and Inception, ported from TensorFlow, make of images normalized as ImageNet's are."""

    def forward(self, images: Tensor) -> Tensor:
        scale = images.new_tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) / 0.5
        shift = (images.new_tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) - 0.5) / 0.5
        return images * scale + shift


class Embedding(nn.Module):
    """Patches of a transformer with its class token and their places: (N, 3, H, W) to (N, tokens, D)."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.patches = network.conv_proj
        self.class_token = network.class_token
        self.places = network.encoder.pos_embedding
        self.dropout = network.encoder.dropout

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], 1)
        embedded: Tensor = self.dropout(tokens + self.places)
        return embedded


class ClassToken(nn.Module):
    """The first token: (N, tokens, D) to (N, D)."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0]


def transformer_layers(network: VisionTransformer) -> OrderedDict[str, nn.Module]:
    """The layers of a vision transformer; torchvision keeps their order in ``forward``."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(embedding=Embedding(network))
    layers.update(network.encoder.layers.named_children())
    layers["norm"] = network.encoder.ln
    layers["class_token"] = ClassToken()
    return layers
