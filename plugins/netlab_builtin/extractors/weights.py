"""Files of weights: read without unpickling, and laid into a network or refused, naming the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

# What follows the features, by the names that torchvision gives it: a file may lack it, or have another.
HEADS = frozenset(
    {"avgpool", "classifier", "fc", "head", "heads", "dropout", "flatten", "AuxLogits", "aux1", "aux2"}
)
SHOWN = 3  # layers in a message


def load_weights(network: nn.Module, name: str, path: Path) -> None:
    """Fill ``network``, called ``name``, from a file; of its classifier nothing is taken.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it can not be read, or does not fit: naming the layers.
    """
    given = read_weights(path)
    wanted = {key: value for key, value in network.state_dict().items() if is_trunk(key)}
    own = {key: value for key, value in given.items() if is_trunk(key)}
    missing = [key for key in wanted if key not in own and not key.endswith("num_batches_tracked")]
    unknown = [key for key in own if key not in wanted]
    other = [
        f"{key} is {tuple(value.shape)}, expected {tuple(wanted[key].shape)}"
        for key, value in own.items()
        if key in wanted and value.shape != wanted[key].shape
    ]
    problems = [
        f"{len(found)} {what} ({listed(found)})"
        for found, what in (
            (missing, "tensors are missing from it"),
            (unknown, "of its tensors are unknown to the network"),
            (other, "have another shape"),
        )
        if found
    ]
    if problems:
        raise ValueError(f"{path.name} does not fit {name}: {'; '.join(problems)}")
    whole = network.state_dict()  # with its versions, which MNASNet asks for
    whole.update(own)
    network.load_state_dict(whole)


def is_trunk(key: str) -> bool:
    """Whether a tensor of a state dict comes before the classifier."""
    return key.split(".")[0] not in HEADS


def listed(texts: Sequence[str]) -> str:
    return ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a safetensors or weights-only file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path} (or use 'imagenet' or 'none')")
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
