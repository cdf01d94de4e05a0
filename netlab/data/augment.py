"""Augmentation of a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to training images.

    Flips happen to half of them. ``translation`` shifts by up to so many pixels each way, the border
    reflected. ``rotation`` turns by up to so many degrees each way, bilinearly, corners black.
    """

    horizontal_flip: bool = False
    vertical_flip: bool = False
    translation: int = 0
    rotation: float = 0.0


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one epoch, one a training image, in the order of the batches."""

    flip_horizontal: Tensor  # bool (N,)
    flip_vertical: Tensor  # bool (N,)
    shift: Tensor  # int64 (N, 2), pixels down and right
    angle: Tensor  # float32 (N,), radians

    def __getitem__(self, batch: slice) -> Draws:
        return Draws(
            self.flip_horizontal[batch], self.flip_vertical[batch], self.shift[batch], self.angle[batch]
        )


def draw(augmentation: Augmentation, count: int, generator: torch.Generator) -> Draws:
    """Draw for ``count`` images. Each kind takes its numbers whether it is on or not, so that turning
    one on leaves the others' draws as they were."""
    flips = torch.rand(2, count, generator=generator) < 0.5
    reach = augmentation.translation
    shift = torch.randint(-reach, reach + 1, (count, 2), generator=generator)
    turn = torch.rand(count, generator=generator) * 2 - 1
    return Draws(
        flips[0] & augmentation.horizontal_flip,
        flips[1] & augmentation.vertical_flip,
        shift,
        turn * augmentation.rotation * (torch.pi / 180),
    )


def gather_moved(images: Tensor, indices: Tensor, draws: Draws) -> Tensor:
    """Flip and shift ``images[indices]`` in one gather: uint8 (B, C, H, W), channels-last in memory.

    Pixel (i, j) of an image comes from row ``reflect(i - down)`` and column ``reflect(j - right)``,
    counted from the other side where it is flipped.
    """
    height, width = images.shape[-2:]
    rows = source_positions(height, draws.shift[:, 0], draws.flip_vertical)
    columns = source_positions(width, draws.shift[:, 1], draws.flip_horizontal)
    device = images.device
    gathered = images[
        indices.to(device)[:, None, None], :, rows.to(device)[:, :, None], columns.to(device)[:, None, :]
    ]
    return gathered.permute(0, 3, 1, 2)


def source_positions(length: int, shift: Tensor, flip: Tensor) -> Tensor:
    """Where each position of an axis comes from: int64 (B, length)."""
    position = torch.arange(length)[None, :] - shift[:, None]
    position = position.abs()
    position = torch.where(position >= length, 2 * (length - 1) - position, position).clamp_(0, length - 1)
    return torch.where(flip[:, None], length - 1 - position, position)


def rotate(images: Tensor, angle: Tensor) -> Tensor:
    """Rotate float images (B, C, H, W) about their centres by ``angle`` radians, zeros outside."""
    height, width = images.shape[-2:]
    cos, sin = angle.cos(), angle.sin()
    zero = torch.zeros_like(cos)
    # affine_grid's coordinates run from -1 to 1 on both axes, so a turn must undo the aspect ratio.
    rows = [
        torch.stack([cos, sin * (height / width), zero], 1),
        torch.stack([-sin * (width / height), cos, zero], 1),
    ]
    theta = torch.stack(rows, 1).to(images.device)
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, align_corners=False)
