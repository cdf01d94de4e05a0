"""The files of a detector made of regions: what they hold beside what every detector's do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from netlab.detection.model.description import RegionDescription
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.detector import FeatureExtractor, RegionDetector, proposal_source
from netlab.detection.model.feature_maps import built_maps
from netlab.detection.model.features import Pool
from netlab.detection.model.head import DetectionHead
from netlab.engine.catalog import Catalog, Component, Part
from netlab.kinds.detector import RegionHead


def tensors_of(detector: RegionDetector) -> dict[str, Tensor]:
    """The weights of head and extractor by name."""
    tensors = {f"head.{name}": value for name, value in detector.head.state_dict().items()}
    return tensors | {f"extractor.{name}": value for name, value in detector.backbone.tensors().items()}


def tables_of(detector: RegionDetector) -> dict[str, Any]:
    """The tables of ``model.toml`` that only such a detector has."""
    backbone, source, rule = detector.backbone, detector.source, detector.rule
    maps = backbone.maps
    return {
        "detection": {"refinements": rule.refinements, "fit_power": rule.fit_power},
        "preprocessing": {
            "colour": "RGB",
            "mean": list(maps.mean),
            "std": list(maps.std),
            "crop_size": maps.crop_size,
            "image_side": backbone.image_side,
        },
        "proposer": {**source.settings.choices(), "limit": source.limit},
        "extractor": {
            "name": backbone.component.name,
            "weights": maps.weights,
            "options": Part(backbone.component, backbone.options).values,
        },
        "features": {
            "way": backbone.way,
            "pools": [{"stage": p.stage, "size": p.size, "grow": p.grow} for p in backbone.pools],
        },
    }


def rebuild(
    described: RegionDescription, tensors: Mapping[str, Tensor], catalog: Catalog, cache: Path | None
) -> RegionDetector:
    """The detector, but for the part of its rule that every detector has.

    Raises:
        KeyError, TypeError, RuntimeError, ValueError: its files do not belong together.
    """
    component = catalog.find("detector", described.detector.name)
    part = Part(component, component.make_options(described.detector.options))
    shape: RegionHead = component.build(options=part.options)
    proposer = catalog.find("proposer", described.proposer.name)
    given = described.proposer
    source = proposal_source(
        proposer,
        proposer.make_options(given.options),
        limit=given.limit,
        long_side=given.long_side,
        min_side=given.min_side,
        seed=given.seed,
        cache=cache,
    )
    extractor = catalog.find("extractor", described.extractor.name)
    backbone = _rebuild_backbone(extractor, described, tensors)
    names = tuple(described.classes)
    head = DetectionHead(backbone.dimension, len(names), **asdict(shape))
    head.load_state_dict({k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")})
    detection = described.detection
    rule = DetectRule(refinements=detection.refinements, fit_power=detection.fit_power)
    return RegionDetector(names, part, source, backbone, head.eval(), rule)


def _rebuild_backbone(
    component: Component, described: RegionDescription, tensors: Mapping[str, Tensor]
) -> FeatureExtractor:
    options = component.make_options(described.extractor.options)
    maps = built_maps(component, options, "none")
    for i, stage in enumerate(maps.stages):
        prefix = f"extractor.{i}."
        stage.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    preprocessing, features = described.preprocessing, described.features
    maps = replace(
        maps,
        mean=preprocessing.mean,
        std=preprocessing.std,
        crop_size=preprocessing.crop_size,
        weights=described.extractor.weights,
    )
    if (last := max(pool.stage for pool in features.pools)) >= len(maps.stages):
        raise ValueError(f"it pools stage {last} of an extractor with {len(maps.stages)}")
    pools = tuple(Pool(pool.stage, pool.size, pool.grow) for pool in features.pools)
    return FeatureExtractor(component, options, maps, pools, features.way, preprocessing.image_side)
