"""The options that several subcommands of ``netlab detect`` have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from netlab.cli.core.flags import Argument
from netlab.cli.core.options import (
    ChangedParts,
    DetectorsFolder,
    Device,
    Names,
    Options,
    ProposalCache,
    Seeded,
)

if TYPE_CHECKING:
    from netlab.detection.model.interface import Detector
    from netlab.engine.catalog import Catalog

VocFolder = Annotated[
    Path, Argument("VOC_DIR"), Field(description="VOC layout, or a folder of images and XML.")
]


class OnlyClasses(Options):
    classes: Names = Field([], description="Only these: cat,dog. Default: all.")


class Annotations(Options):
    one_based: bool = Field(
        False, alias="voc-one-based", description="Corners count from 1 and belong to the box."
    )


class Proposals(Seeded):
    limit: int = Field(2000, ge=1, le=10_000, description="Most proposals an image.")
    long_side: int = Field(400, ge=32, description="Longer side in pixels of the image proposed for.")


class TrainedDetector(DetectorsFolder, ProposalCache, Device, ChangedParts):
    model: str = Field(description="A run of 'netlab detect train'.")
    iou: float | None = Field(None, ge=0, le=1, description="Overlap above which the weaker box is dropped.")
    refinements: int | None = Field(
        None, ge=0, le=5, description="How often boxes are described again, moved."
    )

    def folder(self) -> Path:
        """Where the model is."""
        from netlab.detection.model.model_file import find_detector

        return find_detector(self.model, self.detectors)

    def load(self, catalog: Catalog) -> Detector:
        """The detector with what the flags change."""
        from netlab.detection.model.model_file import load_detector

        detector = load_detector(
            self.folder(), catalog, cache=self.cache_folder, accept_changed=self.accept_changed
        )
        return detector.with_rule(iou=self.iou, refinements=self.refinements)
