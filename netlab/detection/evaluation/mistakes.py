"""The worst mistakes of a detector as a picture."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netlab.data.image_files import RGB
from netlab.detection.boxes import iou_matrix
from netlab.detection.data.annotation import AnnotatedImage
from netlab.detection.evaluation.average_precision import FALSE_ALARM, match_detections
from netlab.detection.evaluation.validation import truth_of
from netlab.detection.model.detect import Detections, DetectRule
from netlab.detection.output.draw import draw_boxes, tile, write_png

Colour = tuple[int, int, int]
TRUTH_COLOUR: Colour = (0, 158, 115)
MISS_COLOUR = (213, 94, 0)
DETECTION_COLOUR = (240, 228, 66)
KEPT = 8  # of each kind
THUMBNAIL = 320
NAMED = 5  # classes whose threshold a caption gives


class MistakeGallery:
    """Keeps the worst misses and false alarms while images go by; only their pictures stay in memory.

    The worst false alarms are the most confident ones; where there are few, also some that the
    detector's confidence threshold would suppress. Misses are the objects that no detection above that
    threshold found (IoU at least .5): first those that none found at all, larger before smaller, then
    those found with the least confidence.
    """

    def __init__(self, class_names: Sequence[str], rule: DetectRule) -> None:
        self.class_names = tuple(class_names)
        self.rule = rule
        self._alarms: list[tuple[float, int, RGB]] = []
        self._misses: list[tuple[tuple[float, float], int, RGB]] = []
        self._count = 0

    def add(self, image: AnnotatedImage, pixels: RGB, found: Detections) -> None:
        """Look at one image, and at detections of any confidence in it."""
        truth = truth_of(image, self.class_names)
        for label, name in enumerate(self.class_names, start=1):
            least = self.rule.least(label)
            chosen, matched = match_detections(found, truth, label, 0.5)
            for index in chosen[matched == FALSE_ALARM][:KEPT]:
                score = float(found.scores[index])
                if len(self._alarms) < KEPT or score > self._alarms[0][0]:
                    text = f"{name} {score:.2f}" + (f" (below {least:.2f})" if score < least else "")
                    picture = self._draw(
                        pixels, found.boxes[index], text, DETECTION_COLOUR, truth.boxes, TRUTH_COLOUR
                    )
                    self._keep(self._alarms, score, picture)
            objects = np.flatnonzero((truth.labels == label) & ~truth.difficult)
            overlaps = iou_matrix(truth.boxes[objects], found.boxes[chosen])
            for row, index in enumerate(objects):
                near = overlaps[row] >= 0.5
                best = float(found.scores[chosen[near]].max()) if near.any() else 0.0
                if best >= least:
                    continue
                x1, y1, x2, y2 = truth.boxes[index].tolist()
                badness = (1.0 - best, (x2 - x1) * (y2 - y1))
                if len(self._misses) < KEPT or badness > self._misses[0][0]:
                    text = f"{name}: {f'only {best:.2f}' if near.any() else 'not found'}"
                    picture = self._draw(
                        pixels,
                        truth.boxes[index],
                        text,
                        MISS_COLOUR,
                        found.boxes[chosen[:1]],
                        DETECTION_COLOUR,
                    )
                    self._keep(self._misses, badness, picture)

    def _keep(self, heap: list[Any], badness: object, picture: RGB) -> None:
        self._count += 1
        heapq.heappush(heap, (badness, self._count, picture))
        if len(heap) > KEPT:
            heapq.heappop(heap)

    def _draw(
        self, pixels: RGB, box: np.ndarray, text: str, colour: Colour, others: np.ndarray, beside: Colour
    ) -> RGB:
        """A small copy of the image with the box in question, and ``others`` for comparison."""
        from netlab.detection.proposals.propose import resize

        scale = THUMBNAIL / max(pixels.shape[:2])
        small = resize(pixels, max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
        boxes = np.concatenate([box[None], others]) * np.float32(scale)
        colours = [colour] + [beside] * len(others)
        return draw_boxes(small, boxes, [text] + [""] * len(others), colours)

    def save(self, folder: Path) -> list[Path]:
        """Write ``false_alarms.png`` and ``misses.png``, worst first; neither if there is none."""
        thresholds = ", ".join(
            f"{name} {self.rule.least(label):.2f}"
            for label, name in enumerate(self.class_names[:NAMED], start=1)
        )
        if len(self.class_names) > NAMED:
            thresholds += ", ..."
        captions = {
            "false_alarms": "False alarms, most confident first. Yellow: the detection. Green: true boxes.",
            "misses": "Missed objects. Orange: the object. Yellow: the most confident detection.",
        }
        written = []
        for name, heap in (("false_alarms", self._alarms), ("misses", self._misses)):
            path = folder / f"{name}.png"
            path.unlink(missing_ok=True)
            if heap:
                pictures = [
                    picture for _, _, picture in sorted(heap, key=lambda item: item[:2], reverse=True)
                ]
                caption = (captions[name], f"Confidence threshold: {thresholds}")
                write_png(path, tile(pictures, columns=4, side=THUMBNAIL, caption=caption))
                written.append(path)
        return written
