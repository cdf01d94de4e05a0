"""Batches by index: no per-image Python, no worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from netlab.data.augment import Augmentation, draw, gather_moved, rotate
from netlab.data.normalize import Normalization
from netlab.kinds.dataset import LabelledImages


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """The generator of one epoch's order and augmentation: a function of (seed, epoch) alone, so that
    a resumed run draws what an uninterrupted one would have drawn."""
    return torch.Generator().manual_seed(epoch_seed(seed, epoch))


def epoch_seed(seed: int, epoch: int) -> int:
    """One number from two; neighbouring seeds and epochs give unrelated streams (splitmix64)."""
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03 + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) >> 1


@dataclass(frozen=True, slots=True)
class TrainingBatches:
    """The training images as shuffled, augmented, normalized batches.

    Batches are float32 (B, C, H, W), channels-last in memory, with labels int64 (B,). Every batch is
    full: the last, incomplete one of an epoch is dropped, unless it is the only one. ``share`` is the
    part of every batch that is given, to one of several processes; the draws are the whole batch's.
    """

    data: LabelledImages
    normalization: Normalization
    augmentation: Augmentation
    batch_size: int
    seed: int
    share: slice | None = None

    def __len__(self) -> int:
        """Batches an epoch."""
        return max(len(self.data) // self.batch_size, 1)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch ``number`` (from 1)."""
        generator = epoch_generator(self.seed, number)
        order = torch.randperm(len(self.data), generator=generator)
        draws = draw(self.augmentation, len(order), generator)
        device = self.data.images.device
        for position in range(len(self)):
            whole = range(position * self.batch_size, (position + 1) * self.batch_size)
            places = whole[self.share] if self.share else whole
            batch = slice(places.start, places.stop)
            indices = order[batch]
            images = gather_moved(self.data.images, indices, draws[batch])
            if self.augmentation.rotation:
                # Black corners are those of the image, before normalization.
                rotated = rotate(images.to(torch.float32), draws.angle[batch])
                images = rotated.contiguous(memory_format=torch.channels_last)
            yield self.normalization(images), self.data.labels[indices.to(device)]


def evaluation_batches(
    data: LabelledImages, normalization: Normalization, batch_size: int, *, first: int = 0, every: int = 1
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images in their order, normalized only, channels-last in memory: batch ``first`` (from 0) and
    each ``every``-th after it."""
    for start in range(first * batch_size, len(data), every * batch_size):
        images = data.images[start : start + batch_size].contiguous(memory_format=torch.channels_last)
        yield normalization(images), data.labels[start : start + batch_size]
