"""What every trained detector can do, of whatever kind it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import torch

from netlab.data.image_files import RGB
from netlab.detection.model.detect import Detections, DetectRule


class Detector(Protocol):
    """A trained detector. ``class_names`` are those of the labels from 1."""

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def rule(self) -> DetectRule: ...

    def with_rule(self, **changes: Any) -> Self:
        """The same detector with other fields of its rule; those that are None stay as they are.

        Raises:
            UsageError: it has no such thing.
        """

    def on(self, device: torch.device) -> Callable[[RGB], Detections]:
        """What finds the objects of an image, uint8 (H, W, 3), made ready on a device once."""

    def without_cache(self) -> Self:
        """The same detector, which keeps nothing of an image for the next time."""
