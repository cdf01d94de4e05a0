"""Boxes on images, and evaluation as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB
from netlab.files import write_atomically

# Okabe and Ito's palette, which stays apart for colour-blind eyes; black and white text on it reads.
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


def class_colour(label: int) -> tuple[int, int, int]:
    """The RGB colour of a class, numbered from 1."""
    return PALETTE[(label - 1) % len(PALETTE)]


def draw_boxes(
    image: RGB,
    boxes: NDArray[np.float32],
    texts: Sequence[str],
    colours: Sequence[tuple[int, int, int]],
) -> RGB:
    """A copy of ``image`` with ``boxes`` (n, 4), best first, each with its text above it.

    The first box is drawn last, so that it lies on top. Lines and letters grow with the image.
    """
    canvas = image.copy()
    thickness = max(round(max(image.shape[:2]) / 400), 1)
    for box, text, colour in reversed(list(zip(boxes.tolist(), texts, colours, strict=True))):
        x1, y1, x2, y2 = (round(value) for value in box)
        cv2.rectangle(canvas, (x1, y1), (max(x2 - 1, x1), max(y2 - 1, y1)), colour, thickness, cv2.LINE_AA)
        if text:
            _draw_text(canvas, text, x1, y1, colour)
    return canvas


def _draw_text(canvas: RGB, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    height, width = canvas.shape[:2]
    scale = max(max(height, width) / 1000, 0.4)
    weight = max(round(scale), 1)
    (text_width, text_height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
    pad = 2
    x = max(min(x, width - text_width - 2 * pad), 0)
    top = y - text_height - below - 2 * pad
    if top < 0:  # no room above: inside the box
        top = y
    cv2.rectangle(
        canvas, (x, top), (x + text_width + 2 * pad, top + text_height + below + 2 * pad), colour, -1
    )
    dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 128
    ink = (255, 255, 255) if dark else (0, 0, 0)
    baseline = (x + pad, top + pad + text_height)
    cv2.putText(canvas, text, baseline, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, weight, cv2.LINE_AA)


def tile(
    pictures: Sequence[RGB], columns: int, side: int = 240, gap: int = 6, caption: Sequence[str] = ()
) -> RGB:
    """Pictures in rows, each fitted into a square of ``side`` pixels, on white, under lines of text.

    A row is as high as its highest picture, and no column is left empty.
    """
    columns = max(min(columns, len(pictures)), 1)
    rows = [
        [_fitted(picture, side) for picture in pictures[start : start + columns]]
        for start in range(0, len(pictures), columns)
    ]
    line = 18
    head = len(caption) * line + gap if caption else 0
    height = head + gap + sum(max(picture.shape[0] for picture in row) + gap for row in rows)
    sheet = np.full(
        (height, max(columns * (side + gap) + gap, _TEXT_WIDTH * bool(caption)), 3), 255, np.uint8
    )
    for number, text in enumerate(caption, start=1):
        at = (gap, number * line - 2)
        cv2.putText(sheet, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    top = head + gap
    for row in rows:
        high = max(picture.shape[0] for picture in row)
        for column, picture in enumerate(row):
            y = top + (high - picture.shape[0]) // 2
            x = gap + column * (side + gap) + (side - picture.shape[1]) // 2
            sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        top += high + gap
    return sheet


_TEXT_WIDTH = 640  # pixels that a line of a caption may need


def _fitted(picture: RGB, side: int) -> RGB:
    scale = side / max(picture.shape[:2])
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def write_boxes(path: Path, image: RGB, boxes: NDArray[np.float32]) -> None:
    """``image`` with its boxes (N, 4) in turning colours as a PNG file; folders on its way are made."""
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(boxes))]
    write_png(path, draw_boxes(image, boxes, [""] * len(boxes), colours))


def write_png(path: Path, image: RGB) -> None:
    """``image`` as a PNG file, written atomically; folders on its way are made."""
    ok, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not ok:
        raise ValueError("OpenCV could not encode the image")
    content = data.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(content))
