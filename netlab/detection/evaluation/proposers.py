"""How good proposers are on the annotated images of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.detection.data.voc import read_voc
from netlab.detection.model.detector import ProposalSource
from netlab.detection.proposals.recall import ProposerMeasurement, measure_proposer
from netlab.training.reporter import Reporter


@dataclass(frozen=True, slots=True)
class ProposersMeasurement:
    """Every proposer on the same images, and how many images and objects there were."""

    proposers: list[ProposerMeasurement]
    images: int
    objects: int

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.images, "proposers": [measured.as_dict() for measured in self.proposers]}


def measure_proposers(
    proposers: Sequence[ProposalSource], folder: Path, *, one_based: bool, reporter: Reporter
) -> ProposersMeasurement:
    """Recall of each proposer on all images of a data set that have objects.

    Raises:
        UsageError: there is no data set, or no image that can be read.
    """
    data = read_voc(folder, one_based=one_based)
    for line in data.problems.lines():
        reporter.warn(line)
    images = [image for image in (*data.train, *data.val) if image.names]
    measured = []
    for proposer in proposers:
        reporter.phase(proposer.settings.name, len(images))
        measured.append(
            measure_proposer(
                proposer.settings.name, proposer.boxes, images,
                limit=proposer.limit, unread=reporter.warn, advance=reporter.advance,
            )
        )  # fmt: skip
    return ProposersMeasurement(measured, len(images), sum(len(image.names) for image in images))
