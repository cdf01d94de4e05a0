"""What a detector is trained from, and the record of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.data.voc import DetectionData
from netlab.detection.model.detect import DetectRule
from netlab.detection.model.detector import Backbone, ProposalSource
from netlab.detection.training.head_training import Row
from netlab.detection.training.settings import DetectionSettings
from netlab.runs.directory import RunDirectory


class Reporter(Protocol):
    """Hears of the progress of a training run."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` pieces of work begins."""

    def advance(self, shown: str = "") -> None:
        """A piece of work is done; ``shown`` says how it stands."""

    def epoch(self, row: Row, epochs: int) -> None:
        """An epoch ended with this row of the history."""

    def warn(self, line: str) -> None:
        """Something was left out or mended."""


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """Everything that a training run is made from, resolved; nothing has been written yet."""

    run: RunDirectory
    data: DetectionData
    folder: Path
    source: ProposalSource
    backbone: Backbone
    settings: DetectionSettings
    rule: DetectRule
    device: torch.device
    weights: str
    environment: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        """What ``config.toml`` holds."""
        return {
            "detection": {
                "folder": str(self.folder),
                "classes": list(self.data.class_names),
                "split": self.data.split,
                "training_images": len(self.data.train),
                "validation_images": len(self.data.val),
            },
            "proposer": self.source.settings.as_dict(),
            "extractor": {
                "name": self.backbone.component.name,
                "weights": self.weights,
                "weights_digest": self.backbone.weights_digest(),
                "options": (
                    self.backbone.options.model_dump(mode="json") if self.backbone.options is not None else {}
                ),
            },
            "training": self.settings.model_dump(mode="json"),
        }


def split_record(plan: DetectionPlan) -> dict[str, Any]:
    """Which images were trained on and which held out, by name and by digest of the file."""

    def rows(images: Sequence[AnnotatedImage]) -> dict[str, str]:
        return {image.name: file_digest(image.path) for image in images}

    return {
        "folder": str(plan.folder.resolve()),
        "train": rows(plan.data.train),
        "val": rows(plan.data.val),
    }


def file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_digest(data: DetectionData) -> tuple[str, str]:
    """Digests of all images with their boxes, and of the names of the validation images."""
    digest = hashlib.sha256()
    for image in (*data.train, *data.val):
        digest.update(f"{image.name} {file_digest(image.path)} {image.names}".encode())
        digest.update(image.boxes.tobytes() + image.difficult.tobytes())
    held_out = hashlib.sha256("\n".join(image.name for image in data.val).encode())
    return digest.hexdigest(), held_out.hexdigest()
