"""What ``result.json`` of a classifier says beyond its single figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNEQUAL = 1.5  # the most frequent class against the rarest


def has_unequal_classes(result: Mapping[str, Any]) -> bool:
    """Whether the test images have classes so unequal that accuracy alone tells little of the rare ones."""
    confusion = result.get("confusion")
    if not isinstance(confusion, list):
        return False
    counts = [sum(row) for row in confusion if isinstance(row, list) and sum(row)]
    return bool(counts) and max(counts) > UNEQUAL * min(counts)
