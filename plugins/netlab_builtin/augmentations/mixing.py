"""Augmentations that mix images, and their targets alike.

The images of a batch are in random order: an image's partner is the one before it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from netlab.kinds.augmentation import Batch
from netlab_builtin.augmentations.options import CutmixOptions, MixupOptions
from netlab_builtin.augmentations.pixels import rectangles


def beta(count: int, alpha: float, generator: torch.Generator) -> Tensor:
    """``count`` numbers of the distribution Beta(alpha, alpha): float32 (count,), from 0 to 1."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator))  # PyTorch's sampler takes no generator
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count).astype(np.float32))


def mixup(count: int, generator: torch.Generator, *, options: MixupOptions) -> Callable[[Batch], Batch]:
    """``s x + (1 - s) x'`` of an image and its partner, and of their targets; s of Beta(alpha, alpha).

    Source: Zhang et al. 2018, equation 1, with a share an image.
    """
    shares = beta(count, options.alpha, generator)

    def mix(batch: Batch) -> Batch:
        share = shares[batch.places].to(batch.images.device)
        images = torch.lerp(batch.images.roll(1, 0), batch.images, share[:, None, None, None])
        return Batch(images, mixed_targets(batch.targets, share), batch.places)

    return mix


def cutmix(count: int, generator: torch.Generator, *, options: CutmixOptions) -> Callable[[Batch], Batch]:
    """A rectangle of the partner in an image, of a share 1 - s of its area; s of Beta(alpha, alpha).

    The centre is anywhere, the rectangle cut at the border; the targets are mixed by the pixels left.
    Source: Yun et al. 2019, section 3.1.
    """
    chosen = torch.rand(count, generator=generator) < options.probability
    side = torch.where(chosen, (1 - beta(count, options.alpha, generator)).sqrt(), torch.zeros(count))
    x, y = torch.rand(2, count, generator=generator).unbind(0)

    def mix(batch: Batch) -> Batch:
        cut = side[batch.places]
        left, top = x[batch.places] - cut / 2, y[batch.places] - cut / 2
        inside = rectangles(batch.images.shape[-2:], left, top, cut, cut).to(batch.images.device)
        share = 1 - inside.float().mean((1, 2))
        images = torch.where(inside[:, None], batch.images.roll(1, 0), batch.images)
        return Batch(images, mixed_targets(batch.targets, share), batch.places)

    return mix


def mixed_targets(targets: Tensor, share: Tensor) -> Tensor:
    """Each row of ``targets`` (B, K) by its ``share`` (B,), the row before by the rest."""
    return torch.lerp(targets.roll(1, 0), targets, share[:, None])
