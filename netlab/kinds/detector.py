"""Detectors: what finds objects in an image, and how it learns to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from netlab.kinds.extractor import FeatureMaps

if TYPE_CHECKING:
    from torch import Tensor, nn


class DetectionTarget(TypedDict):
    """The objects of one image.

    ``boxes`` float32 (n, 4) as x1, y1, x2, y2 in pixels of the image, 0-based, half-open; ``labels`` int64
    (n,) from 1. n may be 0.
    """

    boxes: Tensor
    labels: Tensor


class Detected(TypedDict):
    """What was found in one image: ``boxes`` (m, 4) and ``labels`` (m,) as in ``DetectionTarget``, and
    ``scores`` (m,) from 0 to 1, not increasing."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor


class Detector(Protocol):
    """A detector component, but for those tagged ``regions``: see ``RegionDetector``."""

    def __call__(self, *, classes: int, features: Callable[[], FeatureMaps], options: Any) -> nn.Module:
        """A network by torchvision's convention, for ``classes`` classes, whose labels count from 1.

        In training ``network(images, targets)`` gives a mapping of losses, each of shape (); netlab makes
        their sum small. In evaluation ``network(images)`` gives a ``Detected`` an image, duplicates
        suppressed. ``images`` is a list of float32 (3, H, W), RGB from 0 to 1, of any sizes: netlab has
        scaled them, and scales what is found back. ``targets`` are as many ``DetectionTarget``.

        ``features()`` gives the extractor that the user chose, with its weights; a detector that has a trunk
        of its own does not call it. Parameters that do not require gradients stay as they are. Random
        numbers come from PyTorch's global generator, which netlab seeds: before the call, and in training
        before each epoch.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegionHead:
    """The head that netlab trains on features of proposed regions: ``hidden`` units before the classes, or
    none; the share of ``dropout`` around them; ``fit`` units of the layer that predicts the IoU, or none."""

    hidden: int
    dropout: float
    fit: int


class RegionDetector(Protocol):
    """A detector component tagged ``regions``: netlab proposes regions, describes them by frozen features of
    the extractor, and trains a head on these (Girshick et al., Rich Feature Hierarchies, CVPR 2014)."""

    def __call__(self, *, options: Any) -> RegionHead:
        """The shape of the head."""
        ...
