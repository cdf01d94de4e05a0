"""What the training of a detector comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netlab.detection.model.detector import RegionDetector
from netlab.detection.model.network import NetworkDetector
from netlab.training.loop import Trained


@dataclass(frozen=True, slots=True)
class Fitted:
    """A detector that has learnt, how its training ended, and further figures for ``result.json``."""

    detector: RegionDetector | NetworkDetector
    trained: Trained
    figures: Mapping[str, Any]
