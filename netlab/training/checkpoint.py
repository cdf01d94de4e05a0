"""Checkpoints: one safetensors file with weights, optimizer state and progress. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from netlab.errors import NetlabError
from netlab.runs.files import write_atomically

FORMAT = "netlab-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: finished epochs, and the best validation so far.

    There is no generator state: the order, augmentation and dropout of an epoch derive from
    (seed, epoch).
    """

    epoch: int = 0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = float("inf")

    def improved_by(self, accuracy: float, loss: float) -> bool:
        """Whether a validation is better: higher accuracy, or the same with a lower loss."""
        return (accuracy, -loss) > (self.best_accuracy, -self.best_loss)


def save_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write network, optimizer and progress atomically."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{key}.{names[id(parameter)]}"] = value
    write_tensors(path, tensors, progress)


def save_weights(path: Path, network: nn.Module, progress: Progress) -> None:
    """Write the network's weights and buffers, and how good they are."""
    write_tensors(path, {f"network.{name}": value for name, value in network.state_dict().items()}, progress)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], progress: Progress) -> None:
    metadata = {"format": FORMAT, "progress": json.dumps(asdict(progress))}
    # Cloned, since safetensors refuses tensors that share memory (tied weights).
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    content = safetensors.torch.save(plain, metadata)
    write_atomically(path, lambda file: file.write(content))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """The tensors and progress of a checkpoint.

    Raises:
        NetlabError: the file is missing, truncated or not a checkpoint of netlab.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise NetlabError(
                    f"{path} is not a checkpoint of netlab (its format is {metadata.get('format')!r})"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, Progress(**json.loads(metadata["progress"]))
    except FileNotFoundError:
        raise NetlabError(f"there is no checkpoint {path}") from None
    except (safetensors.SafetensorError, KeyError, TypeError, json.JSONDecodeError, OSError) as error:
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
    state = {
        name.removeprefix("network."): value for name, value in tensors.items() if name.startswith("network.")
    }
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise NetlabError(f"{path} does not fit the network: {' '.join(str(error).split())[:300]}") from error
    return progress


def load_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Load network and optimizer; give the progress."""
    tensors, _ = read_tensors(path)
    progress = load_weights(path, network)
    parameters = dict(network.named_parameters())
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            key, _, parameter_name = rest.partition(".")
            parameter = parameters[parameter_name]
            # The parameter's own memory format: sums over it then run in the same order.
            optimizer.state[parameter][key] = torch.empty_like(parameter).copy_(value)
    return progress
