"""The augmentation 'resize-mix'."""

from collections.abc import Callable

import torch
from torch.nn.functional import interpolate

from netlab.kinds.augmentation import Batch

from .options import ResizeMixOptions


def resize_mix(
    count: int, generator: torch.Generator, *, options: ResizeMixOptions
) -> Callable[[Batch], Batch]:
    """The image before it in the batch, made smaller, at a random place of each image; targets by area.

    Source: Qin et al., ResizeMix, 2020, section 3.2.
    """
    low, high = sorted((options.smallest, options.largest))
    sides = low + (high - low) * torch.rand(count, generator=generator)
    places = torch.rand(2, count, generator=generator).T

    def mix(batch: Batch) -> Batch:
        images, (height, width) = batch.images.clone(), batch.images.shape[-2:]
        kept = torch.ones(len(images), device=images.device)
        for i, (side, place) in enumerate(zip(sides[batch.places], places[batch.places], strict=True)):
            h, w = max(int(side * height), 1), max(int(side * width), 1)
            top, left = int(place[0] * (height - h + 1)), int(place[1] * (width - w + 1))
            other = batch.images[i - 1 : i] if i else batch.images[-1:]
            images[i, :, top : top + h, left : left + w] = interpolate(other, (h, w), mode="area")[0]
            kept[i] = 1 - h * w / (height * width)
        return Batch(images, torch.lerp(batch.targets.roll(1, 0), batch.targets, kept[:, None]), batch.places)

    return mix
