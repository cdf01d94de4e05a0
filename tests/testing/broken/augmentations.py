"""Augmentations with one mistake each."""

import random
from dataclasses import replace

import numpy as np
import torch

from netlab.kinds.augmentation import IndexMap


def per_image(values, batch):
    return values[batch.places, None, None, None].to(batch.images.device)


def global_generator(count, generator, *, options):
    """Draws from PyTorch's own generator."""
    factors = 0.5 + 0.5 * torch.rand(count)
    return lambda batch: replace(batch, images=batch.images * per_image(factors, batch))


def numpy_generator(count, generator, *, options):
    """Draws from NumPy's own generator."""
    factors = torch.from_numpy(np.random.uniform(0.5, 1, count).astype(np.float32))
    return lambda batch: replace(batch, images=batch.images * per_image(factors, batch))


def python_when_applied(count, generator, *, options):
    """Decides by Python's generator when it is applied."""
    factors = 0.5 + 0.5 * torch.rand(count, generator=generator)

    def change(batch):
        return (
            replace(batch, images=batch.images * per_image(factors, batch))
            if random.random() < 0.5
            else batch
        )

    return change


def one_draw(count, generator, *, options):
    """One factor for all images of the epoch."""
    factor = 0.5 + 0.5 * float(torch.rand((), generator=generator))
    return lambda batch: replace(batch, images=batch.images * factor)


def to_one(count, generator, *, options):
    """Takes images from 0 to 1, and cuts off what is above."""
    factors = 0.5 + torch.rand(count, generator=generator)
    return lambda batch: replace(batch, images=(batch.images * per_image(factors, batch)).clamp(0, 1))


def no_clamp(count, generator, *, options):
    """Leaves pixels above 255 and below 0."""
    shift = 40 * torch.randn(count, generator=generator)
    return lambda batch: replace(batch, images=batch.images + per_image(shift, batch))


def untagged_flip(count, generator, *, options):
    """Flips from left to right without saying so."""
    chosen = torch.rand(count, generator=generator) < 0.5

    def change(batch):
        flipped = batch.images.flip(3)
        return replace(batch, images=torch.where(per_image(chosen, batch), flipped, batch.images))

    return change


def untagged_shift(count, generator, *, options):
    """Moves images by a map without saying so."""
    shifts = torch.randint(-2, 3, (count,), generator=generator)

    def change(index_map):
        height = index_map.rows.shape[1]
        moved = (torch.arange(height) + shifts[index_map.places, None]).clamp(0, height - 1)
        return replace(index_map, rows=index_map.rows.gather(1, moved))

    return change


def forgets_the_map(count, generator, *, options):
    """Makes its map anew: what was done before it is lost."""
    chosen = torch.rand(count, generator=generator) < 0.5

    def change(index_map):
        count, width = index_map.columns.shape
        columns = torch.arange(width).expand(count, -1)
        flipped = torch.where(chosen[index_map.places, None], columns.flip(1), columns)
        return IndexMap(index_map.rows, flipped, index_map.places)

    return change


def swaps_axes(count, generator, *, options):
    """Gives the columns for the rows where images are turned."""
    chosen = torch.rand(count, generator=generator) < 0.5

    def change(index_map):
        rows, columns = index_map.rows, index_map.columns
        size = min(rows.shape[1], columns.shape[1])
        turned = rows.clone()
        turned[:, :size] = columns[:, :size]
        return replace(index_map, rows=torch.where(chosen[index_map.places, None], turned, rows))

    return change


def writes_the_map(count, generator, *, options):
    """Flips the map that it is given in place."""
    chosen = torch.rand(count, generator=generator) < 0.5

    def change(index_map):
        picked = chosen[index_map.places]
        columns = index_map.columns.contiguous()
        columns[picked] = columns[picked].flip(1)
        index_map.columns.copy_(columns) if index_map.columns.is_contiguous() else None
        return replace(index_map, columns=columns)

    return change


def wraps(count, generator, *, options):
    """Maps run over the edge by one."""
    shifts = torch.randint(0, 2, (count,), generator=generator)

    def change(index_map):
        return replace(index_map, rows=index_map.rows + shifts[index_map.places, None])

    return change


def mixes_images_only(count, generator, *, options):
    """Blends in the next image and leaves the targets, without the tag."""
    shares = 0.3 * torch.rand(count, generator=generator)

    def change(batch):
        return replace(
            batch, images=torch.lerp(batch.images, batch.images.roll(1, 0), per_image(shares, batch))
        )

    return change


def targets_too_much(count, generator, *, options):
    """Mixes targets so that they add up to more than 1."""
    shares = torch.rand(count, generator=generator)

    def change(batch):
        share = shares[batch.places]
        images = torch.lerp(batch.images, batch.images.roll(1, 0), share[:, None, None, None])
        targets = batch.targets + share[:, None] * batch.targets.roll(1, 0)
        return replace(batch, images=images, targets=targets)

    return change


def mixes_other_targets(count, generator, *, options):
    """Mixes the next image, but the target of the image before."""
    shares = torch.rand(count, generator=generator)

    def change(batch):
        share = shares[batch.places]
        images = torch.lerp(batch.images, batch.images.roll(1, 0), share[:, None, None, None])
        targets = torch.lerp(batch.targets, batch.targets.roll(-1, 0), share[:, None])
        return replace(batch, images=images, targets=targets)

    return change


def square_images(count, generator, *, options):
    """Turns images by 90 degrees, which squares allow."""
    chosen = torch.rand(count, generator=generator) < 0.5

    def change(batch):
        turned = torch.rot90(batch.images, 1, (2, 3))
        return replace(batch, images=torch.where(per_image(chosen, batch), turned, batch.images))

    return change


def only_colour(count, generator, *, options):
    """Takes it that there are three channels."""
    gains = 0.8 + 0.2 * torch.rand(count, 3, generator=generator)

    def change(batch):
        return replace(batch, images=batch.images * gains[batch.places, :, None, None])

    return change


def whole_numbers(count, generator, *, options):
    """Rounds pixels to uint8."""
    factors = 0.5 + 0.5 * torch.rand(count, generator=generator)
    return lambda batch: replace(batch, images=(batch.images * per_image(factors, batch)).to(torch.uint8))


def on_the_processor(count, generator, *, options):
    """Its draws stay on the processor."""
    factors = 0.5 + 0.5 * torch.rand(count, generator=generator)
    return lambda batch: replace(batch, images=batch.images * factors[batch.places, None, None, None])


def fixed_batch(count, generator, *, options):
    """Makes its noise for a batch of 64."""
    noise = 5 * torch.rand(64, 1, 1, 1, generator=generator)
    return lambda batch: replace(batch, images=(batch.images - noise).clamp(0, 255))
