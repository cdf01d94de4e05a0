"""Files in, proposals out: the regions that proposers find in images, drawn if asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.data.image_sources import find_files, read_sources
from netlab.detection.model.detector import ProposalSource
from netlab.detection.output.draw import write_boxes
from netlab.kinds.proposer import Proposals


@dataclass(frozen=True, slots=True)
class FoundRegions:
    """What one proposer found in one image, and in how many seconds."""

    image: Path
    proposer: str
    proposals: Proposals
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Boxes with two decimals, scores with six."""
        return {
            "image": str(self.image),
            "proposer": self.proposer,
            "boxes": [[round(value, 2) for value in box] for box in self.proposals.boxes.tolist()],
            "scores": [round(score, 6) for score in self.proposals.scores.tolist()],
        }


def propose_in_files(
    texts: Sequence[str],
    proposers: Sequence[ProposalSource],
    *,
    draw_into: Path | None = None,
    drawn: int,
    unread: Callable[[str], None],
) -> Iterator[FoundRegions]:
    """What every proposer finds in every image of the files, folders and globs, in order.

    The best ``drawn`` boxes of each are drawn into the folder ``draw_into``. ``unread`` is called with what
    is wrong with an image that can not be read; the rest goes on.
    """
    for source in read_sources(find_files(texts)):
        if source.pixels is None:
            unread(source.error or f"{source.path} can not be read")
            continue
        for proposer in proposers:
            began = time.perf_counter()
            found = proposer(source.pixels)
            seconds = time.perf_counter() - began
            name = proposer.settings.name
            if draw_into is not None:
                write_boxes(draw_into / f"{source.name}.{name}.png", source.pixels, found.boxes[:drawn])
            yield FoundRegions(source.path, name, found, seconds)
