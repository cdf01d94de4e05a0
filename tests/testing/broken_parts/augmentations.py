"""Augmentations that break one rule each."""

from dataclasses import replace

import torch


def factors(count, generator):
    return 0.5 + 0.5 * torch.rand(count, generator=generator)


def darken(batch, factor):
    return replace(batch, images=batch.images * factor[:, None, None, None])


def coloured(count, generator, *, options):
    """Makes three channels of one."""
    drawn = factors(count, generator)

    def change(batch):
        darker = darken(batch, drawn[batch.places])
        return replace(darker, images=darker.images.expand(-1, 3, -1, -1))

    return change


def too_bright(count, generator, *, options):
    """Leaves the range."""
    drawn = factors(count, generator)
    return lambda batch: darken(batch, 1 + drawn[batch.places])


def mixes_targets(count, generator, *, options):
    """Changes targets and does not say so."""
    drawn = factors(count, generator)

    def change(batch):
        share = drawn[batch.places][:, None]
        return replace(batch, targets=torch.lerp(batch.targets.roll(1, 0), batch.targets, share))

    return change


def always_the_same(count, generator, *, options):
    """Draws nothing."""
    return lambda batch: replace(batch, images=0.9 * batch.images)


def remembers(count, generator, *, options):
    """Darkens a batch more the second time."""
    drawn, seen = factors(count, generator), {}

    def change(batch):
        seen[len(batch.images)] = seen.get(len(batch.images), 0) + 1
        return darken(batch, drawn[batch.places] / seen[len(batch.images)])

    return change


def overwrites(count, generator, *, options):
    """Cuts the images off in place."""
    drawn = factors(count, generator)

    def change(batch):
        batch.images.clamp_(max=200)
        return darken(batch, drawn[batch.places])

    return change


def by_position(count, generator, *, options):
    """Takes the first draws, wherever the batch stands in the epoch."""
    drawn = factors(count, generator)
    return lambda batch: darken(batch, drawn[: len(batch.images)])
