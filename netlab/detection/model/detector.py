"""A detector made of regions: proposer, features, head and the rule that makes detections of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.data.image_files import RGB
from netlab.detection.model.detect import Detections, DetectRule, detect
from netlab.detection.model.feature_maps import built_maps
from netlab.detection.model.features import (
    FeatureWay,
    Pool,
    RegionFeatures,
    default_pools,
    make_features,
    pooled_dimension,
    tensors_of,
    weights_digest,
)
from netlab.detection.model.head import DetectionHead
from netlab.detection.proposals.cache import cached_proposals
from netlab.detection.proposals.propose import ProposerSettings, first_proposals, propose
from netlab.engine.catalog import Component, Part
from netlab.kinds.extractor import FeatureMaps
from netlab.kinds.proposer import Proposals


@dataclass(frozen=True, slots=True)
class ProposalSource:
    """A proposer ready for use, with a cache if ``cache`` names a folder."""

    component: Component
    options: Any
    settings: ProposerSettings
    limit: int
    cache: Path | None = None

    def __call__(self, image: RGB) -> Proposals:
        """The best ``limit`` proposals for ``image``."""

        def compute() -> Proposals:
            return propose(image, self._call, self.options, self.settings)

        return first_proposals(
            cached_proposals(self.cache, image, self.settings.as_dict(), compute), self.limit
        )

    def boxes(self, image: RGB) -> NDArray[np.float32]:
        """The boxes (N, 4) of the proposals, the best first."""
        return self(image).boxes

    def _call(self, image: RGB, *, limit: int, seed: int, options: Any) -> Proposals:
        found: Proposals = self.component.build(image, limit=limit, seed=seed, options=options)
        return found


def proposal_source(
    component: Component,
    options: Any,
    *,
    limit: int,
    long_side: int,
    min_side: float,
    seed: int,
    cache: Path | None = None,
) -> ProposalSource:
    """A proposer with everything that its proposals depend on."""
    settings = ProposerSettings(
        name=component.name,
        distribution=component.plugin.distribution,
        version=component.plugin.version,
        options=Part(component, options).values,
        long_side=long_side,
        min_side=min_side,
        seed=seed,
    )
    return ProposalSource(component, options, settings, limit, cache)


@dataclass(frozen=True, slots=True)
class FeatureExtractor:
    """An extractor ready for use, and how its maps are pooled."""

    component: Component
    options: Any
    maps: FeatureMaps
    pools: tuple[Pool, ...]
    way: FeatureWay
    image_side: int

    @property
    def dimension(self) -> int:
        return pooled_dimension(self.maps, self.pools)

    def features(self, device: torch.device | str = "cpu") -> RegionFeatures:
        return make_features(self.way, self.maps, self.pools, long_side=self.image_side, device=device)

    def weights_digest(self) -> str:
        """A digest of every weight of the stages."""
        return weights_digest(self.maps)

    def tensors(self) -> dict[str, Tensor]:
        """The weights of the stages, by ``STAGE.NAME``."""
        return tensors_of(self.maps)


def make_backbone(
    component: Component, options: Any, *, weights: str, way: FeatureWay, image_side: int
) -> FeatureExtractor:
    """Build the extractor with ``weights``: imagenet, none, or the path of a file."""
    maps = built_maps(component, options, weights)
    return FeatureExtractor(component, options, maps, default_pools(maps), way, image_side)


@dataclass(frozen=True, slots=True)
class RegionDetector:
    """Everything that ``predict`` needs. ``class_names`` are those of the labels from 1; ``part`` says the
    shape of the head."""

    class_names: tuple[str, ...]
    part: Part
    source: ProposalSource
    backbone: FeatureExtractor
    head: DetectionHead
    rule: DetectRule

    @property
    def parts(self) -> tuple[Part, ...]:
        """Detector, proposer and extractor, with their options."""
        source, backbone = self.source, self.backbone
        return (
            self.part,
            Part(source.component, source.options),
            Part(backbone.component, backbone.options),
        )

    def with_rule(self, **changes: Any) -> RegionDetector:
        """The same detector with another confidence, iou, max_detections or refinements; None: as it is."""
        changed = {key: value for key, value in changes.items() if value is not None}
        return replace(self, rule=replace(self.rule, **changed))

    def without_cache(self) -> RegionDetector:
        """The same detector, which keeps no proposals on disk."""
        return replace(self, source=replace(self.source, cache=None))

    def on(self, device: torch.device) -> Callable[[RGB], Detections]:
        """What finds the objects of an image, ready on a device."""
        features = self.backbone.features(device)

        def find(image: RGB) -> Detections:
            size = (image.shape[1], image.shape[0])
            return detect(features.prepare(image), self.source(image).boxes, self.head, size, self.rule)

        return find
