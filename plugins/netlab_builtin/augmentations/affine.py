"""Augmentations that resample: bilinear, in one call a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from netlab.kinds.augmentation import Batch
from netlab_builtin.augmentations.options import CropResizeOptions, RotateOptions


def rotate(count: int, generator: torch.Generator, *, options: RotateOptions) -> Callable[[Batch], Batch]:
    """Turn each image about its centre by an angle from -degrees to degrees, uniformly; corners are black."""
    turn = torch.rand(count, generator=generator) * 2 - 1
    angle = turn * options.degrees * (torch.pi / 180)

    def resample(batch: Batch) -> Batch:
        return replace(batch, images=rotated(batch.images, angle[batch.places]))

    return resample


def rotated(images: Tensor, angle: Tensor) -> Tensor:
    """Images (B, C, H, W) turned about their centres by ``angle`` (B,) radians, zeros outside."""
    height, width = images.shape[-2:]
    cos, sin = angle.cos(), angle.sin()
    zero = torch.zeros_like(cos)
    # affine_grid's coordinates run from -1 to 1 on both axes, so a turn must undo the aspect ratio.
    rows = [
        torch.stack([cos, sin * (height / width), zero], 1),
        torch.stack([-sin * (width / height), cos, zero], 1),
    ]
    return resampled(images, torch.stack(rows, 1), padding="zeros")


def crop_resize(
    count: int, generator: torch.Generator, *, options: CropResizeOptions
) -> Callable[[Batch], Batch]:
    """Cut out a part anywhere, of ``least_area`` to all of the image, stretched by at most ``ratio``.

    The area is uniform, the ratio uniform in its logarithm. Source: Szegedy et al. 2015, section 6.
    """
    area = options.least_area + (1 - options.least_area) * torch.rand(count, generator=generator)
    stretch = (torch.rand(count, generator=generator) * 2 - 1) * math.log(options.ratio)
    width = (area * stretch.exp()).sqrt().clamp(max=1.0)
    height = (area / width).clamp(max=1.0)
    across, down = (torch.rand(2, count, generator=generator) * 2 - 1).unbind(0)
    x, y = across * (1 - width), down * (1 - height)  # of the centre, from -1 to 1

    def resample(batch: Batch) -> Batch:
        w, h, cx, cy = (values[batch.places] for values in (width, height, x, y))
        zero = torch.zeros_like(w)
        theta = torch.stack([torch.stack([w, zero, cx], 1), torch.stack([zero, h, cy], 1)], 1)
        return replace(batch, images=resampled(batch.images, theta, padding="reflection"))

    return resample


def resampled(images: Tensor, theta: Tensor, *, padding: str) -> Tensor:
    """Images (B, C, H, W) at the places that ``theta`` (B, 2, 3) maps each pixel to, bilinearly."""
    grid = functional.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)
