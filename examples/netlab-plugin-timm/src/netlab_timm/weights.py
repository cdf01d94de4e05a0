"""Weights of a whole timm network, loaded into the part of it that makes feature maps."""

import pickle

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn


def read_weights(path):
    """A state dict from a safetensors or weights-only file: nothing is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path} (or use 'imagenet' or 'none')")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(
            f"{path.name} can not be read as a file of weights: {type(error).__name__}"
        ) from error
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise ValueError(f"{path.name} is not a state dict: expected a mapping of names to tensors")
    return found


def load_trunk(net, variant, given, source):
    """Fill ``net`` from the state dict of the whole network; what belongs to its classifier is left out.

    Raises:
        ValueError: naming the first key that does not fit.
    """
    names = original_names(timm.create_model(variant))
    chosen = {}
    for key, value in net.state_dict().items():
        layer, _, rest = key.partition(".")
        original = f"{names.get(layer, layer)}.{rest}"
        if original not in given:
            raise ValueError(f"{source} does not fit {variant}: '{original}' is missing from it")
        if given[original].shape != value.shape:
            raise ValueError(
                f"{source} does not fit {variant}: '{original}' is {tuple(given[original].shape)},"
                f" expected {tuple(value.shape)}"
            )
        chosen[key] = given[original]
    net.load_state_dict(chosen)


def original_names(network):
    """Name in a ``FeatureListNet`` -> name in the whole network: ``stages_0`` -> ``stages.0``."""
    return {
        f"{name}_{child}": f"{name}.{child}"
        for name, layer in network.named_children()
        if isinstance(layer, nn.Sequential)
        for child, _ in layer.named_children()
    }
