"""The layers of an assembly that nobody has trained, for images of a size or those of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from netlab.data.load import load_data
from netlab.engine.catalog import Part
from netlab.network import LayerSummary, assemble, summarize

ImageShape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True, slots=True)
class NetworkSummary:
    """The layers in the order of execution, and the shape of the image that went through them."""

    layers: list[LayerSummary]
    image: ImageShape

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return sum(layer.macs for layer in self.layers)


@dataclass(frozen=True, slots=True)
class DataShape:
    """For what data a network is: images of which shape, and how many classes."""

    image: ImageShape
    classes: int


def shape_of_data(dataset: Part, *, root: Path, offline: bool) -> DataShape:
    """The shape of the images of a data set, and its classes."""
    data = load_data(dataset.component, dataset.options, root=root, offline=offline)
    channels, height, width = data.train.images.shape[1:]
    return DataShape((channels, height, width), len(data.class_names))


def assemble_for(parts: Mapping[str, Part], shape: DataShape, *, seed: int = 0) -> nn.Sequential:
    """The untrained network for such data; the rest as ``netlab.network.assemble``."""
    channels, height, width = shape.image
    return assemble(parts, in_channels=channels, image_size=(height, width), classes=shape.classes, seed=seed)


def summarize_network(network: nn.Sequential, image: ImageShape) -> NetworkSummary:
    """The layers of a network, seen on one image of zeros."""
    channels, height, width = image
    return NetworkSummary(list(summarize(network, in_channels=channels, image_size=(height, width))), image)


def summarize_parts(
    parts: Mapping[str, Part], shape: DataShape, *, data_dir: Path, offline: bool
) -> NetworkSummary:
    """The layers of the network that parts make, for data of a shape or the data set among them.

    Raises:
        UsageError: the parts do not fit together, or the data set is not there.
    """
    if "dataset" in parts:
        shape = shape_of_data(parts["dataset"], root=data_dir, offline=offline)
    return summarize_network(assemble_for(parts, shape), shape.image)
