"""Augmentation of a batch equals the same thing done image by image with other people's code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

from netlab.data.augment import Augmentation, Draws, draw, gather_moved, rotate


def draws(count: int, *, seed: int = 0, **kinds: object) -> Draws:
    return draw(Augmentation(**kinds), count, torch.Generator().manual_seed(seed))  # type: ignore[arg-type]


def random_images(count: int = 8, height: int = 9, width: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator, dtype=torch.uint8)


def test_nothing_asked_changes_nothing() -> None:
    images = random_images()
    order = torch.tensor([3, 0, 5])
    assert torch.equal(gather_moved(images, order, draws(3)), images[order])


def test_flips_and_shifts_equal_numpys_reflect_padding() -> None:
    images, reach = random_images(), 3
    drawn = draws(8, horizontal_flip=True, vertical_flip=True, translation=reach)
    moved = gather_moved(images, torch.arange(8), drawn)
    assert drawn.flip_horizontal.any()
    assert not drawn.flip_horizontal.all()
    for index, image in enumerate(images.numpy()):
        down, right = drawn.shift[index].tolist()
        flipped = image[:, ::-1] if drawn.flip_vertical[index] else image
        flipped = flipped[:, :, ::-1] if drawn.flip_horizontal[index] else flipped
        padded = np.pad(flipped, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
        expected = padded[:, reach - down : reach - down + 9, reach - right : reach - right + 7]
        assert np.array_equal(moved[index].numpy(), expected)


def test_shifts_stay_within_reach_and_flips_are_half() -> None:
    drawn = draws(4000, horizontal_flip=True, translation=4)
    assert drawn.shift.min() == -4
    assert drawn.shift.max() == 4
    assert 0.45 < drawn.flip_horizontal.float().mean() < 0.55
    assert not drawn.flip_vertical.any()


def test_the_batch_is_channels_last_in_memory() -> None:
    moved = gather_moved(random_images(), torch.arange(4), draws(4))
    assert moved.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("degrees", [-15.0, 7.0, 90.0])
@pytest.mark.parametrize("shape", [(16, 16), (12, 20)])
def test_rotation_equals_torchvisions(degrees: float, shape: tuple[int, int]) -> None:
    images = random_images(2, *shape).float()
    turned = rotate(images, torch.full((2,), degrees * torch.pi / 180))
    expected = tv.rotate(images, -degrees, interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(turned, expected, atol=0.05, rtol=0)


def test_turning_one_kind_on_leaves_the_other_draws() -> None:
    assert torch.equal(draws(9, rotation=10.0).angle, draws(9, rotation=10.0, horizontal_flip=True).angle)
