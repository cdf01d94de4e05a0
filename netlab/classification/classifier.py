"""A trained network, ready to name what is in an image: without the data that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.classification.interface import Interface, read_interface
from netlab.classification.restore import parts_of_run
from netlab.data.geometry import fit
from netlab.data.views import ONE_VIEW
from netlab.errors import NetlabError, UsageError
from netlab.network import assemble
from netlab.runs.config import NETWORK_KINDS, read_config
from netlab.training.checkpoint import load_weights

if TYPE_CHECKING:
    from netlab.engine.binding import Accept
    from netlab.engine.catalog import Catalog
    from netlab.runs.directory import RunDirectory

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Classifier:
    """The network of a run with its best weights, in evaluation mode and float32.

    Call it with images uint8 (N, C, H, W) of the interface's size: it gives the probabilities of the
    classes, float32 (N, classes), rows adding up to 1; logits that are not finite raise NetlabError.
    """

    network: nn.Sequential
    interface: Interface
    device: torch.device

    def __call__(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            normalized = self.interface.normalization(images.to(self.device))
            views = self.interface.views
            outputs = views.mean(
                [
                    self.network(view(normalized).contiguous(memory_format=torch.channels_last)).float()
                    for view in views
                ]
            )
            if not outputs.isfinite().all():
                raise NetlabError(
                    "the network gives logits that are not finite: its weights are ruined, or one of its"
                    " parts overflows on these images"
                )
            return (outputs if isinstance(self.network[-1], nn.Softmax) else outputs.softmax(1)).cpu()

    def without_views(self) -> Classifier:
        """The same, which sees each image once; itself if it does already."""
        if len(self.interface.views) == 1:
            return self
        return replace(self, interface=replace(self.interface, views=ONE_VIEW))

    def fit(self, image: NDArray[np.uint8]) -> Tensor:
        """An image uint8 RGB (H, W, 3) as the network takes it, and as its training images were made: uint8
        (C, height, width)."""
        return fit(image, self.interface.geometry, channels=self.interface.channels)

    def classify(
        self, images: Iterable[tuple[Key, NDArray[np.uint8]]], *, batch_size: int = 64
    ) -> Iterator[tuple[Key, Tensor]]:
        """The probabilities of each image, a batch at a time: (key, float32 (classes,)), in order."""
        fitted = ((key, self.fit(image)) for key, image in images)
        while batch := list(islice(fitted, batch_size)):
            keys, tensors = zip(*batch, strict=True)
            yield from zip(keys, self(torch.stack(tensors)), strict=True)


def load_classifier(
    directory: RunDirectory, catalog: Catalog, *, device: torch.device, accept_changed: Accept = None
) -> Classifier:
    """The trained network of a run; finished or not, its best weights so far.

    Raises:
        UsageError: the run has no checkpoint yet, is of a netlab that wrote no ``interface.json``, or one of
            its parts is not that of the run (see ``parts_of_run``).
        NetlabError: a file of the run is damaged.
    """
    config = read_config(directory.config)
    if not directory.best_checkpoint.exists():
        raise UsageError(f"run '{directory.name}' has no checkpoint: train it first (netlab run)")
    interface = read_interface(directory)
    parts = parts_of_run(directory, config, catalog, kinds=NETWORK_KINDS, accept_changed=accept_changed)
    network = assemble(
        parts,
        in_channels=interface.channels,
        image_size=(interface.height, interface.width),
        classes=len(interface.class_names),
    )
    load_weights(directory.best_checkpoint, network)
    network = network.eval().to(device).to(memory_format=torch.channels_last)
    return Classifier(network, interface, device)
