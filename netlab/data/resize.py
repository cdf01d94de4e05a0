"""Training images made smaller, for epochs that need not see every pixel."""

from __future__ import annotations

import torch
from torch.nn import functional

from netlab.kinds.dataset import LabelledImages

CHUNK = 4096  # images at a time


def resized(data: LabelledImages, side: int) -> LabelledImages:
    """The images uint8 with a shorter side of ``side`` pixels, in proportion: bilinear, antialiased.

    Images that are as small already stay as they are.
    """
    height, width = data.images.shape[2:]
    shorter = min(height, width)
    if side >= shorter:
        return data
    size = [round(length * side / shorter) for length in (height, width)]
    made = [
        functional.interpolate(part.cpu(), size=size, mode="bilinear", antialias=True)
        for part in data.images.split(CHUNK)
    ]  # on the processor, where antialiasing takes bytes
    return LabelledImages(torch.cat(made).to(data.images.device), data.labels)
