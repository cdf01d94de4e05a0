"""What is done to an image and its boxes when a detector's network learns from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.data.image_files import RGB
from netlab.detection.boxes import clip_boxes, flip_boxes
from netlab.detection.model.scaling import resized, scale_to, size_at

GROUND = (124, 116, 104)  # ImageNet's mean, around an image that was shrunk
LEAST_VISIBLE = 0.4  # share of a box that must be left of it by a crop
TRIES = 8


@dataclass(frozen=True, slots=True)
class ImageAugmentation:
    """Training images of ``side`` pixels: ``flip`` mirrors half of them, ``zoom`` is the logarithm of the
    largest factor of their size, ``colour`` the share by which colours change, see ``recoloured``."""

    side: int
    flip: bool
    zoom: float
    colour: float

    def __call__(
        self, image: RGB, boxes: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[RGB, NDArray[np.float32], NDArray[np.int64]]:
        """The image, its boxes, and the numbers of those that are left.

        The image is made larger or smaller and laid at a random place of a frame of its own shape. A frame
        that shows none of the objects is drawn again.
        """
        size = (image.shape[1], image.shape[0])
        frame = size_at(size, scale_to(size, self.side))
        for _ in range(TRIES):
            scale = frame[0] / size[0] * math.exp(rng.uniform(-self.zoom, self.zoom))
            zoomed = size_at(size, scale)
            corner = [offset(rng, a, b) for a, b in zip(frame, zoomed, strict=True)]
            moved = boxes * np.array([zoomed[0] / size[0], zoomed[1] / size[1]] * 2, np.float32)
            moved = moved + np.array(corner * 2, np.float32)
            left = clip_boxes(moved, *frame)
            numbers = np.flatnonzero(areas(left) >= LEAST_VISIBLE * areas(moved))
            if len(numbers) or not len(boxes):
                break
        else:
            zoomed, corner, numbers = frame, [0, 0], np.arange(len(boxes))
            left = boxes * np.array([frame[0] / size[0], frame[1] / size[1]] * 2, np.float32)
        shown, left = framed(image, zoomed, corner, frame), left[numbers]
        if self.flip and rng.random() < 0.5:
            shown, left = np.ascontiguousarray(shown[:, ::-1]), flip_boxes(left, frame[0])
        return recoloured(shown, self.colour, rng), left.astype(np.float32), numbers


def offset(rng: np.random.Generator, frame: int, zoomed: int) -> int:
    """Where the image begins in the frame: inside it if it is smaller, so that it covers it if larger."""
    low, high = sorted((0, frame - zoomed))
    return int(rng.integers(low, high + 1))


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The areas (n,) of boxes (n, 4)."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def framed(image: RGB, zoomed: tuple[int, int], corner: list[int], frame: tuple[int, int]) -> RGB:
    """The image at the size ``zoomed``, with its first pixel at ``corner`` of the frame."""
    canvas = np.empty((frame[1], frame[0], 3), np.uint8)
    canvas[:] = GROUND
    picture = resized(image, zoomed)
    x, y = corner
    seen = picture[max(-y, 0) : max(-y, 0) + frame[1], max(-x, 0) : max(-x, 0) + frame[0]]
    canvas[max(y, 0) : max(y, 0) + seen.shape[0], max(x, 0) : max(x, 0) + seen.shape[1]] = seen
    return canvas


def recoloured(image: RGB, share: float, rng: np.random.Generator) -> RGB:
    """Hue turned by up to 60 degrees times ``share``, saturation and brightness changed by that share."""
    if share == 0.0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.float32)  # hue in half degrees
    hue, saturation, brightness = rng.uniform(-share, share, 3)
    hsv[..., 0] = (hsv[..., 0] + 30 * hue) % 180
    hsv[..., 1] *= 1 + saturation
    hsv[..., 2] *= 1 + brightness
    return cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)  # type: ignore[return-value]
