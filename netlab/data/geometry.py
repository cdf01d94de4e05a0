"""An image of any size, as a network takes it: the one way for training and for use."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from netlab.data.image_files import RGB
from netlab.kinds.dataset import Geometry

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def fit(image: RGB, geometry: Geometry, *, channels: int) -> Tensor:
    """``image`` uint8 RGB (H, W, 3) as uint8 (channels, height, width); one channel is grey (ITU-R BT.601).

    An image that has the size already is not changed by stretching.
    """
    made = cut_out(image, geometry) if geometry.shorter else stretched(image, geometry)
    if channels == 1:
        made = np.asarray(cv2.cvtColor(made, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    return torch.from_numpy(np.ascontiguousarray(made.transpose(2, 0, 1)))


def stretched(image: RGB, geometry: Geometry) -> RGB:
    """Resized to height x width: by area where it shrinks, else bilinearly."""
    height, width = geometry.height, geometry.width
    if image.shape[:2] == (height, width):
        return image
    shrinks = min(image.shape[0] / height, image.shape[1] / width) > 1
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


def cut_out(image: RGB, geometry: Geometry) -> RGB:
    """The middle of the image, its shorter side resized.

    Pixel by pixel what torchvision's ``Resize(shorter)`` and ``CenterCrop((height, width))`` make of a PIL
    image: antialiased, the longer side rounded down, black where the image is smaller than the cut.
    """
    height, width = image.shape[:2]
    scaled = [geometry.shorter * side // min(height, width) for side in (height, width)]
    resized = np.asarray(
        Image.fromarray(image).resize((scaled[1], scaled[0]), RESAMPLING[geometry.resampling]), np.uint8
    )
    lacks = [
        max(wanted - side, 0) for wanted, side in zip((geometry.height, geometry.width), scaled, strict=True)
    ]
    if any(lacks):
        resized = np.pad(resized, [(lack // 2, lack - lack // 2) for lack in lacks] + [(0, 0)])
    top, left = (
        round((side - wanted) / 2)
        for side, wanted in zip(resized.shape, (geometry.height, geometry.width), strict=False)
    )
    return resized[top : top + geometry.height, left : left + geometry.width]
