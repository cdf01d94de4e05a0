"""The files of a detector.

``model.toml`` says everything in words and numbers; ``model.safetensors`` holds the weights of head
and extractor, so that a model needs no other file. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import tomli_w
from torch import Tensor

from netlab.detection.model.description import FORMAT, Description, description_of
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.detector import Detector, FeatureExtractor, proposal_source
from netlab.detection.model.feature_maps import built_maps
from netlab.detection.model.features import Pool
from netlab.detection.model.head import DetectionHead
from netlab.engine.binding import Accept, Binding
from netlab.engine.catalog import Catalog, Component, Part
from netlab.engine.provenance import Supplier
from netlab.errors import NetlabError, UsageError, closest
from netlab.files import write_atomically, write_text
from netlab.runs.directory import RunDirectory
from netlab.runs.manifest import read_checked
from netlab.runs.sessions import record_accepted


def find_detector(name: str, runs: Path) -> Path:
    """The folder of the detector that a user named: a run's path or name, or one of its model files.

    Raises:
        UsageError: there is none (with the closest name).
    """
    path = Path(name)
    if path.name in ("model.toml", "model.safetensors"):
        path = path.parent
    if not (path / "model.toml").is_file() and (runs / name / "model.toml").is_file():
        return runs / name
    if not path.is_dir():
        names = sorted(known.parent.name for known in runs.glob("*/model.toml"))
        raise UsageError(f"there is no run '{name}' (a path, or a name in '{runs}').{closest(name, names)}")
    return path


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
    maps = backbone.maps
    parts = Part(source.component, source.options), Part(backbone.component, backbone.options)
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
            "fit_power": rule.fit_power,
        },
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
            "options": backbone.options.model_dump(mode="json") if backbone.options is not None else {},
        },
        "features": {
            "way": backbone.way,
            "pools": [{"stage": p.stage, "size": p.size, "grow": p.grow} for p in backbone.pools],
        },
        "head": detector.head.shape,
        "suppliers": [component.supplier.record() for part in parts for component in part.components],
    }


def load_detector(
    folder: Path, catalog: Catalog, *, cache: Path | None = None, accept_changed: Accept = None
) -> Detector:
    """The detector in ``folder``, of the proposer and extractor that it was trained with.

    ``accept_changed`` is told of those whose code has changed, which is then recorded beside the model.

    Raises:
        UsageError: there is none; or proposer or extractor are not installed, or have changed.
        NetlabError: its files are damaged or do not belong together.
    """
    described, tensors = _read(folder)
    try:
        suppliers = tuple(Supplier(**dict(table)) for table in described.suppliers)
        binding = Binding(f"detector '{folder.resolve().name}'", suppliers, accept_changed)
        catalog = catalog.bound_to(binding)
        proposer = catalog.find("proposer", described.proposer.name)
        extractor = catalog.find("extractor", described.extractor.name)
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
        backbone = _rebuild_backbone(extractor, described, tensors)
        names = tuple(described.classes)
        head = DetectionHead(backbone.dimension, len(names), **described.head.model_dump())
        head.load_state_dict(
            {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
        )
        detection = described.detection
        rule = DetectRule(
            confidence={label: detection.confidence[name] for label, name in enumerate(names, start=1)},
            iou=detection.iou,
            max_detections=detection.max_detections,
            refinements=detection.refinements,
            fit_power=detection.fit_power,
        )
    except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise NetlabError(f"the model in {folder} is damaged: {type(error).__name__}: {error}") from error
    record_accepted(RunDirectory(folder), binding.accepted)
    return Detector(names, source, backbone, head.eval(), rule)


def _read(folder: Path) -> tuple[Description, dict[str, Tensor]]:
    try:
        words = tomllib.loads(read_checked(folder / "model.toml").decode())
        content = read_checked(folder / "model.safetensors")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no trained detector in {folder} (model.toml and model.safetensors):"
            " name a run of 'netlab detect train' that is finished"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetlabError(f"{folder / 'model.toml'} is damaged: {error}") from None
    described = description_of(words, folder / "model.toml")
    if hashlib.sha256(content).hexdigest() != described.weights_sha256:
        raise NetlabError(
            f"{folder / 'model.safetensors'} is damaged or not the one that model.toml describes"
        )
    try:
        return described, safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise NetlabError(f"{folder / 'model.safetensors'} is damaged: {error}") from None


def _rebuild_backbone(
    component: Component, described: Description, tensors: Mapping[str, Tensor]
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
