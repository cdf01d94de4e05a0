"""A run, loaded again: its network, its data as it was split, its normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from netlab.classification.interface import read_interface
from netlab.classification.settings import split_rule
from netlab.data import normalize
from netlab.data.load import data_digest, load_data
from netlab.data.split import Splits, split_data
from netlab.engine.binding import Accept
from netlab.engine.catalog import Catalog, Part
from netlab.errors import NetlabError, UsageError
from netlab.kinds.backbone import Pretrained
from netlab.kinds.dataset import ImageData
from netlab.network import assemble
from netlab.runs.config import NETWORK_KINDS, parts_of_config, read_config
from netlab.runs.directory import RunDirectory
from netlab.runs.sessions import binding_of, record_accepted
from netlab.training.checkpoint import load_weights


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A trained network in evaluation mode (float32, on the CPU), and what it was trained on."""

    directory: RunDirectory
    config: dict[str, Any]
    parts: dict[str, Part]
    network: nn.Sequential
    data: ImageData
    splits: Splits
    normalization: normalize.Normalization


def normalization_for(
    kind: str, splits: Splits, pretrained: Pretrained | None = None
) -> normalize.Normalization:
    """``dataset``: mean and deviation of the training images; ``half``: .5 and .5; ``weights``: what
    pretrained weights expect."""
    if kind == "weights" and pretrained is not None:
        return normalize.Normalization(pretrained.preprocessing.mean, pretrained.preprocessing.std)
    if kind == "half":
        return normalize.half(splits.train.images.shape[1])
    return normalize.of_images(splits.train.images)


def build_network(
    parts: Mapping[str, Part], data: ImageData, *, seed: int, pretrained: Pretrained | None = None
) -> nn.Sequential:
    """The network for a data set, before it has learnt from it."""
    channels, height, width = data.train.images.shape[1:]
    return assemble(
        parts,
        in_channels=channels,
        image_size=(height, width),
        classes=len(data.class_names),
        seed=seed,
        pretrained=pretrained,
    )


def parts_of_run(
    directory: RunDirectory,
    config: dict[str, Any],
    catalog: Catalog,
    *,
    kinds: Sequence[str],
    accept_changed: Accept = None,
) -> dict[str, Part]:
    """The parts of these kinds that a run was trained with, of the suppliers that it recorded.

    ``accept_changed`` is told of parts whose code has changed, which is then recorded in the run.

    Raises:
        UsageError: one is not installed (naming the distribution that had it), has changed, or its options no
            longer fit it.
    """
    binding = binding_of(directory, accept_changed)
    parts = parts_of_config(config, catalog.bound_to(binding), kinds=kinds)
    record_accepted(directory, binding.accepted)
    return parts


def load_run(
    directory: RunDirectory,
    catalog: Catalog,
    *,
    data_dir: Path | None = None,
    offline: bool = True,
    check_data: bool = True,
    accept_changed: Accept = None,
) -> LoadedRun:
    """Rebuild a run's network with its best weights, and its data.

    Raises:
        UsageError: the run has no checkpoint yet, its data is not there or has changed, or a part is not
            that of the run (see ``parts_of_run``).
        NetlabError: a file of the run is damaged.
    """
    config = read_config(directory.config)
    if not directory.best_checkpoint.exists():
        raise UsageError(f"run '{directory.name}' has no checkpoint: train it first (netlab run)")
    kinds = ("dataset", *NETWORK_KINDS)
    parts = parts_of_run(directory, config, catalog, kinds=kinds, accept_changed=accept_changed)
    root = Path(data_dir or config["run"].get("data_dir", "data"))
    data = load_data(parts["dataset"].component, parts["dataset"].options, root=root, offline=offline)
    if check_data and directory.environment.exists():
        recorded = directory.read_environment().get("data_sha256")
        if recorded is not None and recorded != data_digest(data):
            raise NetlabError(f"the data of run '{directory.name}' has changed since it was trained")
    training = config["training"]
    splits = split_data(data, split_rule(training))
    network = build_network(parts, data, seed=training["seed"])
    load_weights(directory.best_checkpoint, network)
    return LoadedRun(
        directory=directory,
        config=config,
        parts=parts,
        network=network.eval(),
        data=data,
        splits=splits,
        normalization=read_interface(directory).normalization,
    )
