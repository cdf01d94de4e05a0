"""Augmentations against torchvision, plain loops and properties that must hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from netlab_builtin.augmentations.affine import crop_resize, rotate, rotated
from netlab_builtin.augmentations.geometric import flip, translate
from netlab_builtin.augmentations.mixing import cutmix, mixup
from netlab_builtin.augmentations.options import (
    ColorJitterOptions,
    CropResizeOptions,
    CutmixOptions,
    EraseOptions,
    FlipOptions,
    MixupOptions,
    RotateOptions,
    TranslateOptions,
)
from netlab_builtin.augmentations.pixels import color_jitter, erase
from netlab_builtin.augmentations.trivial import trivial_augment
from torchvision.transforms.v2 import functional as vision

from netlab.kinds.augmentation import Batch, Epoch, IndexMap

COUNT, B, H, W, K = 100, 40, 18, 24, 5
PLACES = slice(20, 60)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (B, 3, H, W), generator=GENERATOR).float()
TARGETS = torch.eye(K)[torch.randint(K, (B,), generator=GENERATOR)]
BATCH = Batch(IMAGES.contiguous(memory_format=torch.channels_last), TARGETS, PLACES)
ALL = [
    (rotate, RotateOptions()),
    (crop_resize, CropResizeOptions()),
    (color_jitter, ColorJitterOptions()),
    (erase, EraseOptions()),
    (mixup, MixupOptions()),
    (cutmix, CutmixOptions()),
    (trivial_augment, None),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def identity_map(places=PLACES):
    count = places.stop - places.start
    return IndexMap(torch.arange(H).expand(count, -1), torch.arange(W).expand(count, -1), places)


def moved(component, options):
    """The images after a geometric augmentation, by a plain loop over the map."""
    more = {"epoch": Epoch(1, torch.arange(COUNT), 0)} if component is flip else {}
    came_from = component(COUNT, seeded(), options=options, **more)(identity_map())
    return torch.stack(
        [
            image[:, rows][:, :, columns]
            for image, rows, columns in zip(IMAGES, came_from.rows, came_from.columns, strict=True)
        ]
    )


def test_flips_mirror_about_half_of_the_images():
    images = moved(flip, FlipOptions(horizontal=True))
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(images, IMAGES, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(images, IMAGES, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 8 <= sum(mirrored) <= 32


def mirrored_of(epoch, seed):
    """Which images of the data set are mirrored in an epoch of a run with alternating flips."""
    order = torch.randperm(COUNT, generator=seeded(epoch))
    apply = flip(
        COUNT, seeded(50 + epoch), epoch=Epoch(epoch, order, seed), options=FlipOptions(alternate=True)
    )
    sideways = apply(identity_map(slice(0, COUNT))).columns[:, 0] == W - 1
    found = torch.empty(COUNT, dtype=torch.bool)
    found[order] = sideways
    return found


def test_alternating_flips_show_every_image_both_ways_in_any_two_epochs_whatever_their_order():
    first = mirrored_of(1, seed=3)
    assert 30 <= int(first.sum()) <= 70
    for epoch in range(2, 6):
        assert torch.equal(mirrored_of(epoch, seed=3), first if epoch % 2 else ~first)
    assert not torch.equal(mirrored_of(1, seed=4), first)


def test_a_vertical_flip_leaves_the_draws_of_the_horizontal_one():
    epoch = Epoch(1, torch.arange(COUNT), 0)
    one = flip(COUNT, seeded(), epoch=epoch, options=FlipOptions())(identity_map())
    both = flip(COUNT, seeded(), epoch=epoch, options=FlipOptions(vertical=True))(identity_map())
    assert torch.equal(one.columns, both.columns)
    assert torch.equal(one.rows, identity_map().rows)
    assert not torch.equal(both.rows, one.rows)


def test_a_shift_is_reflected_at_the_border_as_numpy_pads():
    images = moved(translate, TranslateOptions(pixels=3))
    padded = np.pad(IMAGES.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), mode="reflect")
    shifts = set()
    for number, image in enumerate(images.numpy()):
        found = [
            (3 - y, 3 - x)
            for y in range(7)
            for x in range(7)
            if np.array_equal(image, padded[number, :, y : y + H, x : x + W])
        ]
        assert len(found) == 1
        shifts.add(found[0])
    assert {-3, 3} <= {down for down, _ in shifts} | {right for _, right in shifts}


@pytest.mark.parametrize("degrees", [-15.0, 7.0, 90.0])
@pytest.mark.parametrize("shape", [(16, 16), (12, 20)])
def test_a_turn_is_that_of_torchvision(degrees: float, shape: tuple[int, int]) -> None:
    images = IMAGES[:2, :, : shape[0], : shape[1]].contiguous()
    turned = rotated(images, torch.full((2,), degrees * torch.pi / 180))
    expected = vision.rotate(images, -degrees, interpolation=vision.InterpolationMode.BILINEAR)
    torch.testing.assert_close(turned, expected, atol=0.05, rtol=0)


def test_a_crop_of_the_whole_image_is_the_image():
    whole = crop_resize(COUNT, seeded(), options=CropResizeOptions(least_area=1.0, ratio=1.0))(BATCH)
    assert torch.allclose(whole.images, IMAGES, atol=1e-2)


def test_crops_of_a_ramp_stay_ramps_inside_it():
    ramp = torch.arange(W).float().expand(B, 1, H, W) * 10
    images = crop_resize(COUNT, seeded(), options=CropResizeOptions(least_area=0.2, ratio=1.5))(
        Batch(ramp.contiguous(), TARGETS, PLACES)
    ).images
    assert images.min() >= 0
    assert images.max() <= (W - 1) * 10
    slopes = images[:, 0, H // 2].diff(dim=1)[:, 2:-2]
    assert torch.allclose(slopes, slopes[:, :1].expand_as(slopes), atol=1e-2)
    assert slopes.max() <= 10 + 1e-2
    assert 0.2 < (slopes[:, 0] / 10).min() < 0.8


@pytest.mark.parametrize(
    ("index", "options", "change"),
    [
        (0, ColorJitterOptions(contrast=0, saturation=0), vision.adjust_brightness),
        (1, ColorJitterOptions(brightness=0, saturation=0), vision.adjust_contrast),
        (2, ColorJitterOptions(brightness=0, contrast=0), vision.adjust_saturation),
    ],
)
def test_each_change_of_colour_is_that_of_torchvision(index, options, change):
    factors = 1 + 0.4 * (torch.rand(3, COUNT, generator=seeded()) * 2 - 1)[index, PLACES]
    images = color_jitter(COUNT, seeded(), options=options)(BATCH).images
    for image, before, factor in zip(images, IMAGES, factors.tolist(), strict=True):
        assert torch.allclose(image, change(before / 255, factor) * 255, atol=0.2)


def test_erased_rectangles_have_the_mean_colour_and_an_area_in_range():
    options = EraseOptions(probability=1.0, least_area=0.1, most_area=0.3, ratio=2.0)
    images = erase(COUNT, seeded(), options=options)(BATCH).images
    for image, before in zip(images, IMAGES, strict=True):
        changed = (image != before).any(0)
        rows, columns = changed.any(1).nonzero()[:, 0], changed.any(0).nonzero()[:, 0]
        box = image[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert torch.allclose(box, before.mean((1, 2))[:, None, None].expand_as(box), atol=1e-3)
        assert 0.05 < box[0].numel() / (H * W) < 0.4


def test_mixup_blends_images_and_targets_by_the_same_share():
    mixed = mixup(COUNT, seeded(), options=MixupOptions(alpha=1.0))(BATCH)
    partner = IMAGES.roll(1, 0)
    share = ((mixed.images - partner) * (IMAGES - partner)).sum((1, 2, 3)) / (IMAGES - partner).square().sum(
        (1, 2, 3)
    )
    expected = share[:, None] * TARGETS + (1 - share[:, None]) * TARGETS.roll(1, 0)
    assert torch.allclose(mixed.targets, expected, atol=1e-4)
    assert share.min() < 0.2
    assert share.max() > 0.8


def test_cutmix_targets_count_the_pixels_that_are_left():
    mixed = cutmix(COUNT, seeded(), options=CutmixOptions(probability=1.0))(BATCH)
    own = (mixed.images == IMAGES).all(1)
    partners = (mixed.images == IMAGES.roll(1, 0)).all(1)
    assert (own | partners).all()
    share = own.float().mean((1, 2))
    expected = share[:, None] * TARGETS + (1 - share[:, None]) * TARGETS.roll(1, 0)
    assert torch.allclose(mixed.targets, expected, atol=1e-2)  # a pixel may be equal by chance
    assert share.std() > 0.1


def test_what_a_share_of_processes_does_is_a_part_of_the_whole():
    for component, options in ALL:
        if component in (mixup, cutmix):
            continue
        whole = component(COUNT, seeded(), options=options)(BATCH).images
        half = component(COUNT, seeded(), options=options)(
            Batch(BATCH.images[10:20], TARGETS[10:20], slice(30, 40))
        ).images
        assert torch.allclose(whole[10:20], half, atol=1e-3), component.__name__


@pytest.mark.parametrize(("component", "options"), ALL)
def test_the_same_generator_gives_the_same_images_and_global_state_stays(component, options):
    before = torch.random.get_rng_state()
    first = component(COUNT, seeded(), options=options)(BATCH)
    again = component(COUNT, seeded(), options=options)(BATCH)
    other = component(COUNT, seeded(1), options=options)(BATCH)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.images, other.images)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(BATCH.images, IMAGES)  # what was given is not changed
    assert first.images.shape == IMAGES.shape
    assert first.images.min() >= 0
    assert first.images.max() <= 255.001


@pytest.mark.parametrize(("component", "options"), ALL)
def test_grey_images_are_augmented_too(component, options):
    grey = Batch(IMAGES[:, :1].contiguous(), TARGETS, PLACES)
    assert component(COUNT, seeded(), options=options)(grey).images.shape == (B, 1, H, W)
