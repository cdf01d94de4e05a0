"""Batches by index: no per-image Python, no worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netlab.data.augmentation import augmented, sample_augmentations
from netlab.data.normalize import Normalization
from netlab.engine.catalog import Part
from netlab.kinds.augmentation import Epoch
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

    Batches are float32 (B, C, H, W), channels-last in memory, with class probabilities float32 (B, classes).
    Every batch is
    full: the last, incomplete one of an epoch is dropped, unless it is the only one. ``share`` is the
    part of every batch that is given, to one of several processes; the draws are the whole batch's. With
    ``balanced`` an epoch has as many images, but equally many of every class.
    """

    data: LabelledImages
    normalization: Normalization
    augmentations: Sequence[Part]
    classes: int
    batch_size: int
    seed: int
    share: slice | None = None
    balanced: bool = False

    def __len__(self) -> int:
        """Batches an epoch."""
        return max(len(self.data) // self.batch_size, 1)

    def view(self, number: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """All images once, as epoch ``number`` augments them: indices int64 (B,), images and targets.

        A function of the augmentations' seed and ``number``, whatever ``share`` is.
        """
        generator = epoch_generator(self.seed, number)
        order = torch.randperm(len(self.data), generator=generator)
        chain = sample_augmentations(self.augmentations, Epoch(number, order, self.seed), generator)
        for start in range(0, len(order), batch_size):
            batch = slice(start, min(start + batch_size, len(order)))
            images, targets = augmented(
                self.data.images, self.data.labels, order[batch], chain, places=batch, classes=self.classes
            )
            yield order[batch], self.normalization(images), targets

    def order(self, number: int) -> Iterator[Tensor]:
        """The indices of this process's share of every batch of epoch ``number``."""
        order = self._sampled(epoch_generator(self.seed, number))
        for position in range(len(self)):
            whole = range(position * self.batch_size, (position + 1) * self.batch_size)
            places = whole[self.share] if self.share else whole
            yield order[places.start : places.stop]

    def _sampled(self, generator: torch.Generator) -> Tensor:
        """The indices of the images of an epoch, in its order."""
        if self.balanced:
            return balanced_order(self.data.labels.cpu(), generator)
        return torch.randperm(len(self.data), generator=generator)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch ``number`` (from 1)."""
        generator = epoch_generator(self.seed, number)
        order = self._sampled(generator)
        chain = sample_augmentations(self.augmentations, Epoch(number, order, self.seed), generator)
        for position in range(len(self)):
            whole = range(position * self.batch_size, (position + 1) * self.batch_size)
            places = whole[self.share] if self.share else whole
            batch = slice(places.start, places.stop)
            images, targets = augmented(
                self.data.images, self.data.labels, order[batch], chain, places=batch, classes=self.classes
            )
            yield self.normalization(images), targets


def balanced_order(labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many indices int64 as there are ``labels`` int64 (N,), in random order, equally many of every class.

    Which classes get one more, where N is no multiple of them, is random. Within a class an image comes again
    only when all others have come as often.
    """
    classes = labels.unique()
    counts = torch.full((len(classes),), len(labels) // len(classes))
    counts[torch.randperm(len(classes), generator=generator)[: len(labels) % len(classes)]] += 1
    sampled = []
    for label, count in zip(classes.tolist(), counts.tolist(), strict=True):
        members = torch.nonzero(labels == label).flatten()
        rounds = -(-count // len(members))
        shuffled = [members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)]
        sampled.append(torch.cat(shuffled)[:count] if shuffled else members[:0])
    every = torch.cat(sampled)
    return every[torch.randperm(len(every), generator=generator)]


def evaluation_batches(
    data: LabelledImages, normalization: Normalization, batch_size: int, *, first: int = 0, every: int = 1
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images in their order, normalized only, channels-last in memory: batch ``first`` (from 0) and
    each ``every``-th after it."""
    for start in range(first * batch_size, len(data), every * batch_size):
        images = data.images[start : start + batch_size].contiguous(memory_format=torch.channels_last)
        yield normalization(images), data.labels[start : start + batch_size]
