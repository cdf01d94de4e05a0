"""How good a head is on validation images whose features were made before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from netlab.detection.evaluation.average_precision import detection_result
from netlab.detection.evaluation.validation import EVALUATED_FROM, truth_of
from netlab.detection.model.detect import DetectRule, detect
from netlab.detection.model.head import DetectionHead
from netlab.detection.training.image_regions import ImageRegions


def validation_ap(
    head: DetectionHead, validation: Sequence[ImageRegions], class_names: Sequence[str], rule: DetectRule
) -> float:
    """AP at .5 on the validation images from cached features, without refinement; nan without objects."""
    head.eval()
    rule = DetectRule(EVALUATED_FROM, rule.iou, rule.max_detections, refinements=0)
    detections, truths = [], []
    for found in validation:
        own = len(found.labelled.regions) - found.proposals
        regions = found.labelled.regions[own:]
        features = torch.from_numpy(found.features[0][own:].astype(np.float32))
        detections.append(detect(_not_needed, regions, head, found.image.size, rule, features))
        truths.append(truth_of(found.image, class_names))
    return detection_result(detections, truths, class_names).ap50


def _not_needed(regions: np.ndarray) -> torch.Tensor:
    raise AssertionError("features were given")
