"""From uint8 images to the network's float input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Normalization:
    """``(x / 255 - mean) / std`` per channel; ``mean`` and ``std`` have one value a channel, of [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (N, C, H, W), or float of the same range, to float32 of the same memory format."""
        shape = (1, len(self.mean), 1, 1)
        scale = 1 / (255 * torch.tensor(self.std, device=images.device)).view(shape)
        shift = (torch.tensor(self.mean) / torch.tensor(self.std)).to(images.device).view(shape)
        return images.to(torch.float32).mul_(scale).sub_(shift)


def half(channels: int) -> Normalization:
    """Mean and standard deviation .5: images in [-1, 1], as the report did."""
    return Normalization((0.5,) * channels, (0.5,) * channels)


def of_images(images: Tensor) -> Normalization:
    """Mean and standard deviation of uint8 images (N, C, H, W), per channel, exactly.

    Sums of integers, so that the result does not depend on the order or number of threads. A
    constant channel gets standard deviation 1.
    """
    levels = torch.arange(256, dtype=torch.float64)
    means, stds = [], []
    for channel in range(images.shape[1]):
        counts = torch.bincount(images[:, channel].flatten(), minlength=256).to(torch.float64)
        mean = float((counts * levels).sum() / counts.sum())
        variance = float((counts * (levels - mean) ** 2).sum() / counts.sum())
        means.append(mean / 255)
        stds.append(variance**0.5 / 255 or 1.0)
    return Normalization(tuple(means), tuple(stds))
