"""What ``config.toml`` of a detector holds, and the name that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from netlab.detection.data.voc import DetectionData
from netlab.detection.model.detector import FeatureExtractor, ProposalSource
from netlab.detection.model.network import NetworkDetector
from netlab.detection.training.network_settings import NetworkSettings
from netlab.detection.training.settings import DetectionSettings
from netlab.engine.catalog import Part
from netlab.runs.config import Config, foreign_parts, to_toml


def region_config(
    data: DetectionData,
    folder: Path,
    part: Part,
    proposer: ProposalSource,
    backbone: FeatureExtractor,
    settings: DetectionSettings,
    weights: str,
) -> Config:
    """What ``config.toml`` of a detector made of regions holds."""
    return {
        "detection": data_table(data, folder),
        "detector": part_table(part),
        "proposer": proposer.settings.choices(),
        "extractor": {
            "name": backbone.component.name,
            "weights": weights,
            "weights_digest": backbone.weights_digest(),
            "options": Part(backbone.component, backbone.options).values,
        },
        "training": settings.model_dump(mode="json"),
    }


def network_config(
    data: DetectionData, folder: Path, detector: NetworkDetector, settings: NetworkSettings, weights: str
) -> Config:
    """What ``config.toml`` of a detector that is one network holds."""
    trunk = detector.trunk
    extractor: Config = {}
    if trunk is not None and trunk.maps is not None:
        extractor["extractor"] = {
            "name": trunk.part.component.name,
            "weights": weights,
            "weights_digest": trunk.weights_digest,
            "options": trunk.part.values,
        }
    return {
        "detection": data_table(data, folder),
        "detector": part_table(detector.part),
        **extractor,
        "training": settings.model_dump(mode="json"),
    }


def data_table(data: DetectionData, folder: Path) -> dict[str, Any]:
    """The data set, its classes and its split."""
    return {
        "folder": str(folder),
        "classes": list(data.class_names),
        "split": data.split,
        "training_images": len(data.train),
        "validation_images": len(data.val),
    }


def part_table(part: Part) -> dict[str, Any]:
    """A part's name and options."""
    return {"name": part.component.name, "options": part.values}


def default_name(config: Config, parts: Iterable[Part], named: Sequence[str]) -> str:
    """A name that is the same for the same configuration: ``named`` parts, the seed, six digits of a hash."""
    counted = "\n".join([to_toml(config), *foreign_parts(parts)])
    digits = hashlib.sha256(counted.encode()).hexdigest()[:6]
    return f"{'-'.join(named)}-s{config['training']['seed']}-{digits}"
