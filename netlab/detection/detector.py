"""A detector: proposer, features, head and the rule that makes detections of them; and its files.

``model.toml`` says everything in words and numbers; ``model.safetensors`` holds the weights of head
and extractor, so that a model needs no other file. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import tomli_w
import torch
from torch import Tensor

from netlab.catalog import Catalog, Component
from netlab.detection.cache import cached_proposals
from netlab.detection.detect import Detections, DetectRule, detect
from netlab.detection.features import (
    FeatureWay,
    Pool,
    RegionFeatures,
    default_pools,
    make_features,
    pooled_dimension,
)
from netlab.detection.head import DetectionHead
from netlab.detection.images import RGB
from netlab.detection.proposals import ProposerSettings, first_proposals, propose
from netlab.errors import NetlabError, UsageError
from netlab.kinds.extractor import FeatureMaps
from netlab.kinds.proposer import Proposals
from netlab.runs.files import write_atomically, write_text

FORMAT = "netlab-detector-1"


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
        options=options.model_dump(mode="json") if options is not None else {},
        long_side=long_side,
        min_side=min_side,
        seed=seed,
    )
    return ProposalSource(component, options, settings, limit, cache)


@dataclass(frozen=True, slots=True)
class Backbone:
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
        digest = hashlib.blake2b(digest_size=16)
        for name, value in sorted(self.tensors().items()):
            digest.update(name.encode())
            digest.update(
                value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if value.ndim else b""
            )
        return digest.hexdigest()

    def tensors(self) -> dict[str, Tensor]:
        """The weights of the stages, by ``STAGE.NAME``."""
        return {
            f"{i}.{name}": value
            for i, stage in enumerate(self.maps.stages)
            for name, value in stage.state_dict().items()
        }


def make_backbone(
    component: Component, options: Any, *, weights: str, way: FeatureWay, image_side: int
) -> Backbone:
    """Build the extractor with ``weights``: imagenet, none, or the path of a file."""
    maps = component.build(weights=weights, options=options)
    return Backbone(component, options, maps, default_pools(maps), way, image_side)


@dataclass(frozen=True, slots=True)
class Detector:
    """Everything that ``predict`` needs. ``class_names`` are those of the labels from 1."""

    class_names: tuple[str, ...]
    source: ProposalSource
    backbone: Backbone
    head: DetectionHead
    rule: DetectRule

    def with_rule(self, **changes: Any) -> Detector:
        """The same detector with another confidence, iou, max_detections or refinements."""
        return replace(self, rule=replace(self.rule, **changes))

    def on(self, features: RegionFeatures, image: RGB) -> Detections:
        """Detections in ``image``, with features made ready once by ``self.backbone.features()``."""
        regions = self.source(image).boxes
        size = (image.shape[1], image.shape[0])
        return detect(features.prepare(image), regions, self.head, size, self.rule)


def save_detector(detector: Detector, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.toml`` into ``folder``, the latter last."""
    tensors = {f"head.{name}": value for name, value in detector.head.state_dict().items()}
    tensors |= {f"extractor.{name}": value for name, value in detector.backbone.tensors().items()}
    content = safetensors.torch.save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, {"format": FORMAT}
    )
    write_atomically(folder / "model.safetensors", lambda file: file.write(content))
    write_text(folder / "model.toml", tomli_w.dumps(_describe(detector, hashlib.sha256(content).hexdigest())))


def _describe(detector: Detector, digest: str) -> dict[str, Any]:
    backbone, source, rule = detector.backbone, detector.source, detector.rule
    maps, plugin = backbone.maps, backbone.component.plugin
    confidence = {
        name: round(rule.least(label), 6) for label, name in enumerate(detector.class_names, start=1)
    }
    return {
        "format": FORMAT,
        "classes": list(detector.class_names),
        "weights_sha256": digest,
        "detection": {
            "confidence": confidence,
            "iou": rule.iou,
            "max_detections": rule.max_detections,
            "refinements": rule.refinements,
        },
        "preprocessing": {
            "colour": "RGB",
            "mean": list(maps.mean),
            "std": list(maps.std),
            "crop_size": maps.crop_size,
            "image_side": backbone.image_side,
        },
        "proposer": {**source.settings.as_dict(), "limit": source.limit},
        "extractor": {
            "name": backbone.component.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "weights": maps.weights,
            "options": backbone.options.model_dump(mode="json") if backbone.options is not None else {},
        },
        "features": {
            "way": backbone.way,
            "pools": [{"stage": p.stage, "size": p.size, "grow": p.grow} for p in backbone.pools],
        },
        "head": {"hidden": detector.head.hidden, "dropout": detector.head.dropout},
    }


def load_detector(
    folder: Path, catalog: Catalog, *, cache: Path | None = None, allow_mismatch: bool = False
) -> tuple[Detector, list[str]]:
    """The detector in ``folder``, and what differs here from where it was trained.

    Raises:
        UsageError: there is none; or proposer or extractor come from another distribution or
            version than it was trained with, unless ``allow_mismatch``.
        NetlabError: its files are damaged or do not belong together.
    """
    described, tensors = _read(folder)
    try:
        mismatches: list[str] = []
        proposer = _find(catalog, "proposer", described["proposer"], mismatches)
        extractor = _find(catalog, "extractor", described["extractor"], mismatches)
        if mismatches and not allow_mismatch:
            raise UsageError(
                f"the model in {folder} was trained with other parts: {'; '.join(mismatches)}."
                " Install those, train again, or use it all the same with --allow-mismatch"
            )
        given = described["proposer"]
        source = proposal_source(
            proposer,
            proposer.make_options(given["options"]),
            limit=given["limit"],
            long_side=given["long_side"],
            min_side=given["min_side"],
            seed=given["seed"],
            cache=cache,
        )
        backbone = _rebuild_backbone(extractor, described, tensors)
        names = tuple(described["classes"])
        shape = described["head"]
        head = DetectionHead(backbone.dimension, len(names), hidden=shape["hidden"], dropout=shape["dropout"])
        head.load_state_dict(
            {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
        )
        detection = described["detection"]
        rule = DetectRule(
            confidence={
                label: float(detection["confidence"][name]) for label, name in enumerate(names, start=1)
            },
            iou=detection["iou"],
            max_detections=detection["max_detections"],
            refinements=detection["refinements"],
        )
    except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise NetlabError(f"the model in {folder} is damaged: {type(error).__name__}: {error}") from error
    return Detector(names, source, backbone, head.eval(), rule), mismatches


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        described = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
        content = (folder / "model.safetensors").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no trained detector in {folder} (model.toml and model.safetensors):"
            " name a run of 'netlab detect train' that is finished"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetlabError(f"{folder / 'model.toml'} is damaged: {error}") from None
    if described.get("format") != FORMAT:
        raise NetlabError(f"{folder / 'model.toml'} has format {described.get('format')!r}, not {FORMAT!r}")
    if hashlib.sha256(content).hexdigest() != described.get("weights_sha256"):
        raise NetlabError(
            f"{folder / 'model.safetensors'} is damaged or not the one that model.toml describes"
        )
    try:
        return described, safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise NetlabError(f"{folder / 'model.safetensors'} is damaged: {error}") from None


def _find(catalog: Catalog, kind: str, given: Mapping[str, Any], mismatches: list[str]) -> Component:
    candidates = [part for part in catalog.of_kind(kind) if part.name == given["name"]]
    same = [part for part in candidates if part.plugin.distribution == given["distribution"]]
    component = same[0] if same else catalog.find(kind, given["name"])
    here = f"{component.plugin.distribution} {component.plugin.version}"
    trained = f"{given['distribution']} {given['version']}"
    if here != trained:
        mismatches.append(f"{component.title} is of {here} here, and was of {trained}")
    return component


def _rebuild_backbone(
    component: Component, described: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> Backbone:
    options = component.make_options(described["extractor"]["options"])
    maps: FeatureMaps = component.build(weights="none", options=options)
    for i, stage in enumerate(maps.stages):
        prefix = f"extractor.{i}."
        stage.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    preprocessing, features = described["preprocessing"], described["features"]
    maps = replace(
        maps,
        mean=tuple(preprocessing["mean"]),
        std=tuple(preprocessing["std"]),
        crop_size=preprocessing["crop_size"],
        weights=described["extractor"]["weights"],
    )
    pools = tuple(Pool(pool["stage"], pool["size"], pool["grow"]) for pool in features["pools"])
    return Backbone(component, options, maps, pools, features["way"], preprocessing["image_side"])


def class_labels(names: Sequence[str], class_names: Sequence[str]) -> list[int]:
    """Labels (from 1) of class names."""
    return [class_names.index(name) + 1 for name in names]
