"""The files of a detector that is one network: what they hold beside what every detector's do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from netlab.detection.model.description import NetworkDescription
from netlab.detection.model.network import NetworkDetector, Trunk, build_network
from netlab.engine.catalog import Catalog, Part
from netlab.kinds.extractor import FeatureMaps


def tensors_of(detector: NetworkDetector) -> dict[str, Tensor]:
    """The weights of the network by name."""
    return {f"network.{name}": value for name, value in detector.network.state_dict().items()}


def tables_of(detector: NetworkDetector) -> dict[str, Any]:
    """The tables of ``model.toml`` that only such a detector has."""
    tables: dict[str, Any] = {"preprocessing": {"colour": "RGB", "image_side": detector.image_side}}
    if (trunk := detector.trunk) is not None and trunk.maps is not None:
        tables["extractor"] = {
            "name": trunk.part.component.name,
            "weights": trunk.maps.weights,
            "options": trunk.part.values,
            "mean": list(trunk.maps.mean),
            "std": list(trunk.maps.std),
        }
    return tables


def rebuild(
    described: NetworkDescription, tensors: Mapping[str, Tensor], catalog: Catalog
) -> NetworkDetector:
    """The detector, but for its rule.

    Raises:
        KeyError, TypeError, RuntimeError, ValueError: its files do not belong together.
    """
    component = catalog.find("detector", described.detector.name)
    part = Part(component, component.make_options(described.detector.options))
    trunk, table = None, described.extractor
    if table is not None:
        extractor = catalog.find("extractor", table.name)
        trunk = Trunk(Part(extractor, extractor.make_options(table.options)), "none")

    def features() -> FeatureMaps:
        if trunk is None or table is None:
            raise ValueError("its network asks for an extractor, and none is named")
        maps = replace(trunk.features(), mean=table.mean, std=table.std, weights=table.weights)
        trunk.maps = maps
        return maps

    names = tuple(described.classes)
    network = build_network(component, part.options, classes=len(names), features=features, seed=0)
    network.load_state_dict({name.removeprefix("network."): value for name, value in tensors.items()})
    return NetworkDetector(names, part, trunk, network.eval(), described.preprocessing.image_side)
