"""Checkpoints: one safetensors file with weights, optimizer, further state and progress. Nothing is pickled.

A SHA-256 digest of all of it stands in the file's metadata and is compared at every read, so that a flipped
bit or a tensor that is gone is an error, and never trained on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from netlab.errors import NetlabError
from netlab.runs.manifest import check_file

FORMAT = "netlab-checkpoint-2"
NETWORK, OPTIMIZER, STATE = "network.", "optimizer.", "state."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: finished epochs, and the best one with its score, more being better.

    There is no generator state: the order, augmentation and dropout of an epoch derive from
    (seed, epoch).
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: tuple[float, ...] = ()

    def improved_by(self, score: tuple[float, ...] | None) -> bool:
        """Whether an epoch of this score is the best so far; the first always is, None never."""
        return score is not None and score > self.best_score


def checkpoint_content(
    network: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor], progress: Progress
) -> bytes:
    """A file with network, optimizer, whatever else a training keeps and progress."""
    tensors = {NETWORK + name: value for name, value in network.state_dict().items()}
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    for parameter, kept in optimizer.state.items():
        for key, value in kept.items():
            if isinstance(value, Tensor):
                tensors[f"{OPTIMIZER}{key}.{names[id(parameter)]}"] = value
            elif value is not None:
                raise NetlabError(
                    f"the optimizer {type(optimizer).__name__} keeps '{key}' as {type(value).__name__},"
                    " which a checkpoint can not hold: an optimizer must keep its state in tensors"
                )
    tensors |= {STATE + name: value for name, value in state.items()}
    return content_of(tensors, progress)


def weights_content(network: nn.Module, progress: Progress) -> bytes:
    """A file with the network's weights and buffers, and how good they are."""
    return content_of({NETWORK + name: value for name, value in network.state_dict().items()}, progress)


def content_of(tensors: Mapping[str, Tensor], progress: Progress) -> bytes:
    """A safetensors file of named tensors and progress, with the digest of both."""
    # Cloned, since safetensors refuses tensors that share memory (tied weights).
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    text = json.dumps(asdict(progress))
    metadata = {"format": FORMAT, "progress": text, "sha256": digest_of(plain, text)}
    return safetensors.torch.save(plain, metadata)


def digest_of(tensors: Mapping[str, Tensor], progress: str) -> str:
    """SHA-256 over progress and the name, type, shape and bytes of every tensor, as hexadecimal text."""
    digest = hashlib.sha256(progress.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        if value.numel():  # an empty tensor has no view of its bytes
            digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """The tensors and progress of a checkpoint.

    Raises:
        NetlabError: the file is missing, not a checkpoint of netlab, or not as it was written.
    """
    check_file(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise NetlabError(
                    f"{path} is not a checkpoint of this netlab (its format is {metadata.get('format')!r},"
                    f" not {FORMAT!r})"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if digest_of(tensors, metadata["progress"]) != metadata["sha256"]:
            raise ValueError("its content is not that of its digest")
        progress = json.loads(metadata["progress"])
        return tensors, Progress(**{**progress, "best_score": tuple(progress["best_score"])})
    except FileNotFoundError:
        raise NetlabError(f"there is no checkpoint {path}") from None
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise NetlabError(
            f"{path} is truncated or damaged ({error}); delete the run directory to start again"
        ) from error


def read_progress(path: Path) -> Progress:
    """How far the run of a checkpoint is; the whole file is read, so that a damaged one is noticed."""
    return read_tensors(path)[1]


def load_weights(path: Path, network: nn.Module) -> Progress:
    """Load the network's weights from a checkpoint.

    Raises:
        NetlabError: the file is damaged or its tensors do not fit the network.
    """
    tensors, progress = read_tensors(path)
    fill_network(path, network, tensors)
    return progress


def load_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[Progress, dict[str, Tensor]]:
    """Load network and optimizer; give the progress and the ``state`` that was saved.

    Raises:
        NetlabError: the file is damaged or its tensors do not fit the network.
    """
    tensors, progress = read_tensors(path)
    fill_network(path, network, tensors)
    parameters = dict(network.named_parameters())
    optimizer.state.clear()
    for name, value in with_prefix(tensors, OPTIMIZER).items():
        key, _, parameter_name = name.partition(".")
        if parameter_name not in parameters:
            raise NetlabError(f"{path} does not fit the network: it has no parameter '{parameter_name}'")
        parameter = parameters[parameter_name]
        if value.shape == parameter.shape:
            # The parameter's own memory format: sums over it then run in the same order.
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        elif value.ndim:  # a number, as Adam's of the steps, stays on the CPU
            value = value.to(parameter.device)
        optimizer.state[parameter][key] = value
    return progress, with_prefix(tensors, STATE)


def fill_network(path: Path, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load the network's tensors, which were read from ``path``."""
    try:
        network.load_state_dict(with_prefix(tensors, NETWORK))
    except RuntimeError as error:
        raise NetlabError(f"{path} does not fit the network: {' '.join(str(error).split())[:300]}") from error


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of a prefix, by what follows it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
