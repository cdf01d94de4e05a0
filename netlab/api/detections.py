"""What a detector finds in an image, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.api.table import ReadAsTable, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from netlab.detection.model.detect import Detections


class ImageDetections(ReadAsTable):
    """The objects found in one image, best first; a notebook shows them drawn.

    ``boxes`` float32 (n, 4): left, top, right, bottom in pixels, the right and bottom edge not included;
    ``scores`` float32 (n,) in [0, 1]; ``labels`` the n classes; ``pixels`` the image, uint8 RGB (H, W, 3);
    ``image`` its name. Iterating gives a mapping an object: label, score, left, top, right, bottom.
    """

    image: str
    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: list[str]

    def __init__(
        self, image: str, pixels: NDArray[np.uint8], found: Detections, class_names: Sequence[str]
    ) -> None:
        self.image, self.pixels = image, pixels
        self.boxes, self.scores = found.boxes, found.scores
        self.labels = [class_names[label - 1] for label in found.labels.tolist()]
        self._places = found.labels.tolist()

    def to_table(self) -> Table:
        """A row an object: label, score, left, top, right, bottom."""
        sides = ("left", "top", "right", "bottom")
        rows = (
            {"label": label, "score": score, **dict(zip(sides, box, strict=True))}
            for label, score, box in zip(self.labels, self.scores.tolist(), self.boxes.tolist(), strict=True)
        )
        return Table(rows, ("label", "score", *sides), caption=f"{len(self)} found in {self.image}")

    def drawn(self) -> NDArray[np.uint8]:
        """The image with the boxes, uint8 RGB (H, W, 3)."""
        from netlab.detection.output.draw import class_colour, draw_boxes

        texts = [f"{label} {score:.2f}" for label, score in zip(self.labels, self.scores, strict=True)]
        return draw_boxes(self.pixels, self.boxes, texts, [class_colour(place) for place in self._places])

    def save(self, path: str | Path) -> Path:
        """Write the image with the boxes; the ending says how: ``.png``, ``.jpg``.

        Raises:
            UsageError: pictures are not written with such an ending.
        """
        from netlab.files import write_atomically

        path = Path(path)
        content = self._encoded(path.suffix)
        write_atomically(path, lambda file: file.write(content))
        return path

    def _encoded(self, suffix: str) -> bytes:
        import cv2

        from netlab.errors import UsageError

        try:
            done, content = cv2.imencode(suffix, self.drawn()[..., ::-1])
        except cv2.error:
            done = False
        if not done:
            raise UsageError(f"the ending of a picture must be .png, .jpg or the like, not '{suffix}'")
        return content.tobytes()

    def _repr_png_(self) -> bytes:
        return self._encoded(".png")

    def __len__(self) -> int:
        return len(self.labels)


class DetectionEvaluation:
    """How well a detector finds the objects of annotated images.

    ``ap50``, ``ap75`` at an IoU of .5 and .75, ``ap`` over .5 to .95 (as COCO defines it) and ``voc2007`` (11
    points), each the mean of the classes that occur, None without objects; ``intervals`` the 95% intervals of
    the first three over other such images, by name, empty of a single image; ``by_class`` a table of the same
    with objects, confidence, precision and recall; ``images`` how many were looked at; ``files`` the curves
    and pictures of the worst mistakes that were written.
    """

    ap50: float | None
    ap75: float | None
    ap: float | None
    voc2007: float | None
    intervals: Mapping[str, tuple[float, float]]
    images: int
    by_class: Table
    files: list[Path]

    def __init__(self, result: Mapping[str, Any], files: Sequence[Path]) -> None:
        self.ap50, self.ap75, self.ap = result["ap50"], result["ap75"], result["ap"]
        self.voc2007, self.images = result["voc2007"], result["images"]
        self.intervals = dict(result["intervals"] or {})
        self.by_class = Table({"class": name, **row} for name, row in result["per_class"].items())
        self.files = list(files)

    def __repr__(self) -> str:
        return f"{self._summary()}\n{self.by_class!r}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._summary())}</p>{self.by_class._repr_html_()}"

    def _summary(self) -> str:
        figures = (("AP50", self.ap50), ("AP75", self.ap75), ("AP", self.ap), ("VOC 2007", self.voc2007))
        shown = ", ".join(f"{name} {'-' if value is None else f'{value:.3f}'}" for name, value in figures)
        return f"{shown}; {self.images:,} images"
