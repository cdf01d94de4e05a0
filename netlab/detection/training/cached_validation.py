"""How good a head is on validation images whose features were made before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from netlab.detection.evaluation.average_precision import DetectionResult, detection_result
from netlab.detection.evaluation.validation import EVALUATED_FROM, truth_of
from netlab.detection.model.detect import DetectRule, detect
from netlab.detection.model.head import DetectionHead
from netlab.detection.training.image_regions import ImageRegions

FIT_POWERS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class CachedValidation:
    """The validation images with their regions, and how detections are made of them."""

    images: Sequence[ImageRegions]
    class_names: Sequence[str]
    rule: DetectRule

    def ap50(self, head: DetectionHead) -> float:
        """AP at .5, by class scores alone, without refinement; nan without objects."""
        return self._result(head, 0.0).ap50

    def best_fit_power(self, head: DetectionHead) -> float:
        """Of ``FIT_POWERS`` the one of the largest AP .5:.95, of equal ones the smallest.

        1 where there are no images to choose by, 0 where the head does not predict the fit.
        """
        if head.fit is None:
            return 0.0
        if not self.images:
            return 1.0
        found = {power: np.nan_to_num(self._result(head, power).ap) for power in FIT_POWERS}
        return max(found, key=lambda power: (found[power], -power))

    def _result(self, head: DetectionHead, fit_power: float) -> DetectionResult:
        head.eval()
        rule = replace(self.rule, confidence=EVALUATED_FROM, refinements=0, fit_power=fit_power)
        detections, truths = [], []
        for found in self.images:
            own = len(found.labelled.regions) - found.proposals
            regions = found.labelled.regions[own:]
            features = torch.from_numpy(found.features[0][own:].astype(np.float32))
            detections.append(detect(_not_needed, regions, head, found.image.size, rule, features))
            truths.append(truth_of(found.image, self.class_names))
        return detection_result(detections, truths, self.class_names)


def _not_needed(regions: np.ndarray) -> torch.Tensor:
    raise AssertionError("features were given")
