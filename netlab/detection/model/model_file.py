"""The files of a detector.

``model.toml`` says everything in words and numbers; ``model.safetensors`` holds all weights, so that a model
needs no other file. Nothing is pickled. What is particular to a detector made of regions is in
``region_file``, to one that is a network in ``network_file``.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import safetensors
import safetensors.torch
import tomli_w
from torch import Tensor

from netlab.detection.model import network_file, region_file
from netlab.detection.model.description import FORMAT, NetworkDescription, RegionDescription, description_of
from netlab.detection.model.detector import RegionDetector
from netlab.detection.model.network import NetworkDetector
from netlab.engine.binding import Accept, Binding
from netlab.engine.catalog import Catalog
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


def save_detector(detector: RegionDetector | NetworkDetector, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.toml`` into ``folder``, the latter last."""
    if isinstance(detector, RegionDetector):
        tensors, tables = region_file.tensors_of(detector), region_file.tables_of(detector)
    else:
        tensors, tables = network_file.tensors_of(detector), network_file.tables_of(detector)
    content = safetensors.torch.save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, {"format": FORMAT}
    )
    rule = detector.rule
    confidence = {
        name: round(rule.least(label), 6) for label, name in enumerate(detector.class_names, start=1)
    }
    common = {"confidence": confidence, "iou": rule.iou, "max_detections": rule.max_detections}
    described = {
        "format": FORMAT,
        "classes": list(detector.class_names),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        **tables,
        "detection": common | tables.get("detection", {}),
        "detector": {
            "name": detector.part.component.name,
            "options": detector.part.values,
        },
        "suppliers": [component.supplier.record() for p in detector.parts for component in p.components],
    }
    write_atomically(folder / "model.safetensors", lambda file: file.write(content))
    write_text(folder / "model.toml", tomli_w.dumps(described))


def load_detector(
    folder: Path, catalog: Catalog, *, cache: Path | None = None, accept_changed: Accept = None
) -> RegionDetector | NetworkDetector:
    """The detector in ``folder``, of the parts that it was trained with.

    ``accept_changed`` is told of those whose code has changed, which is then recorded beside the model.

    Raises:
        UsageError: there is none; or its parts are not installed, or have changed.
        NetlabError: its files are damaged or do not belong together.
    """
    described, tensors = _read(folder)
    detector: RegionDetector | NetworkDetector
    try:
        suppliers = tuple(Supplier(**dict(table)) for table in described.suppliers)
        binding = Binding(f"detector '{folder.resolve().name}'", suppliers, accept_changed)
        catalog = catalog.bound_to(binding)
        if isinstance(described, RegionDescription):
            detector = region_file.rebuild(described, tensors, catalog, cache)
        else:
            detector = network_file.rebuild(described, tensors, catalog)
        given = described.detection
        names = enumerate(described.classes, start=1)
        detector = detector.with_rule(
            confidence={label: given.confidence[name] for label, name in names},
            iou=given.iou,
            max_detections=given.max_detections,
        )
    except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise NetlabError(f"the model in {folder} is damaged: {type(error).__name__}: {error}") from error
    record_accepted(RunDirectory(folder), binding.accepted)
    return detector


def _read(folder: Path) -> tuple[RegionDescription | NetworkDescription, dict[str, Tensor]]:
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
