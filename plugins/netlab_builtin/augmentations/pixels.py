"""Augmentations that change values and move nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from netlab.kinds.augmentation import Batch
from netlab_builtin.augmentations.options import ColorJitterOptions, EraseOptions

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def color_jitter(
    count: int, generator: torch.Generator, *, options: ColorJitterOptions
) -> Callable[[Batch], Batch]:
    """Brightness, contrast, saturation, in this order: each image times its own factor about black, its mean
    grey, and its grey; clipped to 0 to 255 after each.

    Source: Howard 2013, section 2.2, as ``torchvision.transforms.v2.ColorJitter`` has it, without hue.
    """
    spread = torch.tensor([options.brightness, options.contrast, options.saturation])
    factors = 1 + spread[:, None] * (torch.rand(3, count, generator=generator) * 2 - 1)

    def change(batch: Batch) -> Batch:
        images = batch.images
        brightness, contrast, saturation = factors[:, batch.places, None, None, None].to(images.device)
        images = (images * brightness).clamp(0, 255)
        mean = grey(images).mean((1, 2, 3), keepdim=True)
        images = torch.lerp(mean, images, contrast).clamp(0, 255)
        if images.shape[1] == 3:
            images = torch.lerp(grey(images), images, saturation).clamp(0, 255)
        return replace(batch, images=images)

    return change


def grey(images: Tensor) -> Tensor:
    """The grey of images (B, C, H, W): (B, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(GREY)[None, :, None, None]).sum(1, keepdim=True)


def erase(count: int, generator: torch.Generator, *, options: EraseOptions) -> Callable[[Batch], Batch]:
    """Fill a rectangle anywhere inside the image with the image's mean colour.

    The area is uniform, the ratio of the sides uniform in its logarithm.
    Source: Zhong et al. 2020, algorithm 1.
    """
    chosen = torch.rand(count, generator=generator) < options.probability
    area = options.least_area + (options.most_area - options.least_area) * torch.rand(
        count, generator=generator
    )
    stretch = (torch.rand(count, generator=generator) * 2 - 1) * math.log(options.ratio)
    width = (area * stretch.exp()).sqrt().clamp(max=1.0)
    height = (area / width).clamp(max=1.0)
    left, top = torch.rand(2, count, generator=generator).unbind(0)

    def change(batch: Batch) -> Batch:
        at = batch.places
        inside = rectangles(
            batch.images.shape[-2:],
            left[at] * (1 - width[at]),
            top[at] * (1 - height[at]),
            width[at],
            height[at],
        )
        inside &= chosen[at][:, None, None]
        mean = batch.images.mean((2, 3), keepdim=True)
        return replace(batch, images=torch.where(inside[:, None].to(mean.device), mean, batch.images))

    return change


def rectangles(size: torch.Size, left: Tensor, top: Tensor, width: Tensor, height: Tensor) -> Tensor:
    """Which pixels have their centre in a rectangle: bool (B, H, W).

    ``left`` to ``height`` (B,) are shares of the image's sides.
    """
    rows = (torch.arange(size[0]) + 0.5) / size[0]
    columns = (torch.arange(size[1]) + 0.5) / size[1]
    vertical = (rows >= top[:, None]) & (rows < (top + height)[:, None])
    horizontal = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    return vertical[:, :, None] & horizontal[:, None, :]
