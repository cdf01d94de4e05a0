"""TrivialAugment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torchvision.transforms import v2

from netlab.kinds.augmentation import Batch


def trivial_augment(count: int, generator: torch.Generator, *, options: None) -> Callable[[Batch], Batch]:
    """To each image one of 14 changes (identity, shears, shifts, turns, colours), of a random strength.

    ``torchvision.transforms.v2.TrivialAugmentWide``, image by image: several times as slow as the others.
    Source: Müller and Hutter 2021, algorithm 1.
    """
    seeds = torch.randint(2**62, (count,), generator=generator)
    transform = v2.TrivialAugmentWide()

    def change(batch: Batch) -> Batch:
        images = batch.images.cpu().round().to(torch.uint8)
        changed = []
        with torch.random.fork_rng(devices=[]):  # torchvision draws from the global generator
            for image, seed in zip(images, seeds[batch.places].tolist(), strict=True):
                torch.manual_seed(seed)
                changed.append(transform(image))
        return replace(batch, images=torch.stack(changed).to(batch.images))

    return change
