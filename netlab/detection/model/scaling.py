"""Images at the size at which a detector's network sees them."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from netlab.data.image_files import RGB


def scale_to(size: tuple[int, int], side: int) -> float:
    """By what an image of ``size`` (width, height) is multiplied so that its longer side is ``side``."""
    return side / max(size)


def resized(image: RGB, size: tuple[int, int]) -> RGB:
    """The image at ``size`` (width, height): by areas where it shrinks, else bilinear."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(  # type: ignore[return-value]
        image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def size_at(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """``size`` (width, height) times ``scale``, in whole pixels, at least one."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def as_input(image: RGB, device: torch.device) -> Tensor:
    """uint8 (H, W, 3) as float32 (3, H, W) from 0 to 1, on the device."""
    return torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1).float() / 255.0
