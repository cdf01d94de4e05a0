"""What ``config.toml`` of a detector holds, and the name that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from netlab.detection.data.voc import DetectionData
from netlab.detection.model.detector import FeatureExtractor, ProposalSource
from netlab.detection.training.settings import DetectionSettings
from netlab.engine.catalog import Part
from netlab.runs.config import Config, foreign_parts, to_toml


def make_config(
    data: DetectionData,
    folder: Path,
    proposer: ProposalSource,
    backbone: FeatureExtractor,
    settings: DetectionSettings,
    weights: str,
) -> Config:
    """What ``config.toml`` holds."""
    options = backbone.options.model_dump(mode="json") if backbone.options is not None else {}
    return {
        "detection": {
            "folder": str(folder),
            "classes": list(data.class_names),
            "split": data.split,
            "training_images": len(data.train),
            "validation_images": len(data.val),
        },
        "proposer": proposer.settings.choices(),
        "extractor": {
            "name": backbone.component.name,
            "weights": weights,
            "weights_digest": backbone.weights_digest(),
            "options": options,
        },
        "training": settings.model_dump(mode="json"),
    }


def default_name(config: Config, parts: Iterable[Part]) -> str:
    """A name that is the same for the same configuration: the parts, the seed and six digits of a hash."""
    counted = "\n".join([to_toml(config), *foreign_parts(parts)])
    digits = hashlib.sha256(counted.encode()).hexdigest()[:6]
    seed = config["training"]["seed"]
    return f"{config['proposer']['name']}-{config['extractor']['name']}-s{seed}-{digits}"
