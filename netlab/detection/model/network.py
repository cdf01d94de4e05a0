"""A detector that is one network: what it gives of an image becomes detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netlab.data.image_files import RGB
from netlab.detection.boxes import clip_boxes, scale_boxes, suppress
from netlab.detection.model.detect import NOTHING, Detections, DetectRule
from netlab.detection.model.feature_maps import built_maps
from netlab.detection.model.features import weights_digest
from netlab.detection.model.scaling import as_input, resized, scale_to, size_at
from netlab.engine.catalog import Component, Part
from netlab.errors import NetlabError, UsageError
from netlab.kinds.extractor import FeatureMaps
from netlab.training.device import has_fast_bf16

RUINED = "the detector gives values that are not finite: its weights are ruined"
# The network has suppressed duplicates itself; the overlap can only be lowered.
NETWORK_RULE = DetectRule(iou=1.0, refinements=0)


@dataclass(slots=True)
class Trunk:
    """The extractor that a network may be built on; ``maps`` is what it gave, once it was asked."""

    part: Part
    weights: str
    maps: FeatureMaps | None = field(default=None, init=False)
    weights_digest: str = field(default="", init=False)

    def features(self) -> FeatureMaps:
        """The extractor with its weights."""
        self.maps = built_maps(self.part.component, self.part.options, self.weights)
        self.weights_digest = weights_digest(self.maps)  # now: the network may train these very layers
        return self.maps


def build_network(
    component: Component, options: Any, *, classes: int, features: Callable[[], FeatureMaps], seed: int
) -> nn.Module:
    """The network of a detector, drawn from ``seed``; PyTorch's generator stays as it was.

    Raises:
        UsageError: the detector says that it can not.
        PluginError: it gave no module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = component.build(classes=classes, features=features, options=options)
    if not isinstance(network, nn.Module):
        raise component.broke(f"gave {type(network).__name__}, not an nn.Module")
    return network


@dataclass(frozen=True, slots=True)
class NetworkDetector:
    """Everything that ``predict`` needs. ``class_names`` are those of the labels from 1; ``trunk`` is None
    where there is no extractor; images are scaled so that their longer side is ``image_side`` pixels."""

    class_names: tuple[str, ...]
    part: Part
    trunk: Trunk | None
    network: nn.Module
    image_side: int
    rule: DetectRule = NETWORK_RULE

    @property
    def parts(self) -> tuple[Part, ...]:
        """Detector and, where it is built on one, extractor, with their options."""
        used = self.trunk is not None and self.trunk.maps is not None
        return (self.part, self.trunk.part) if self.trunk is not None and used else (self.part,)

    def with_rule(self, **changes: Any) -> NetworkDetector:
        """The same detector with another confidence, iou or max_detections; None: as it is.

        Raises:
            UsageError: of ``refinements``, which it has not.
        """
        changed = {key: value for key, value in changes.items() if value is not None}
        if "refinements" in changed:
            raise UsageError(
                f"refinements are of detectors made of regions; '{self.part.component.name}' is one network"
            )
        return replace(self, rule=replace(self.rule, **changed))

    def without_cache(self) -> NetworkDetector:
        """Itself: it keeps nothing."""
        return self

    def on(self, device: torch.device) -> Callable[[RGB], Detections]:
        """What finds the objects of an image, ready on a device.

        Raises:
            NetlabError: its weights are not finite.
        """
        network = self.network.to(device).eval()
        if not all(bool(value.isfinite().all()) for value in network.parameters()):
            raise NetlabError(RUINED)
        bf16 = has_fast_bf16(device)

        def find(image: RGB) -> Detections:
            size = (image.shape[1], image.shape[0])
            seen = size_at(size, scale_to(size, self.image_side))
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                found = self.part.component.call(network, [as_input(resized(image, seen), device)])
            boxes, labels, scores = checked(found, self.part.component)
            back = scale_boxes(boxes, size[0] / seen[0], size[1] / seen[1])
            return kept(clip_boxes(back, *size), labels, scores, self.rule, len(self.class_names))

        return find


def checked(found: Sequence[Any], component: Component) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes float32 (n, 4), labels int64 (n,) and scores float32 (n,) of one image.

    Raises:
        PluginError: it is something else.
        NetlabError: values are not finite.
    """
    try:
        (image,) = found
        boxes, labels, scores = (image[key] for key in ("boxes", "labels", "scores"))
        tensors = all(isinstance(value, Tensor) for value in (boxes, labels, scores))
        fits = tensors and len(boxes) == len(labels) == len(scores) and boxes.shape[1:] == (4,)
    except (TypeError, ValueError, KeyError, IndexError):
        fits = False
    if not fits:
        raise component.broke("in evaluation it gave no boxes (n, 4), labels (n,) and scores (n,) an image")
    if not (boxes.isfinite().all() and scores.isfinite().all()):
        raise NetlabError(RUINED)
    return boxes.float().cpu().numpy(), labels.long().cpu().numpy(), scores.float().cpu().numpy()


def kept(
    boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray, rule: DetectRule, classes: int
) -> Detections:
    """The detections that the rule lets pass, best first; boxes under a pixel go."""
    least = np.array([2.0, *(rule.least(label) for label in range(1, classes + 1))], np.float32)
    known = (labels >= 1) & (labels <= classes)
    good = known & (scores >= least[np.where(known, labels, 0)])
    good &= (boxes[:, 2:] - boxes[:, :2] >= 1.0).all(axis=1)
    if not good.any():
        return NOTHING
    boxes, labels, scores = boxes[good], labels[good], scores[good]
    best = suppress(boxes, scores, labels, rule.iou)[: rule.max_detections]
    return Detections(boxes[best], np.clip(scores[best], 0, 1), labels[best])
