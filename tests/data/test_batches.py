"""Batches: every image once an epoch, and the same ones for the same seed and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from netlab.data.batches import TrainingBatches, epoch_seed, evaluation_batches
from netlab.data.normalize import Normalization, half, of_images
from netlab.engine.catalog import Catalog, Part
from netlab.kinds.dataset import LabelledImages

IDENTITY = Normalization((0.0,), (1.0 / 255,))


def numbered(count: int) -> LabelledImages:
    """Image i is all i."""
    values = torch.arange(count, dtype=torch.uint8)
    return LabelledImages(values.view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous(), values.long())


def chain(catalog: Catalog, **augmentations: dict[str, Any]) -> list[Part]:
    found = [(catalog.find("augmentation", name), options) for name, options in augmentations.items()]
    return [Part(component, component.make_options(options)) for component, options in found]


def batches(count: int, size: int, *, seed: int = 0, augmentations: Sequence[Part] = ()) -> TrainingBatches:
    return TrainingBatches(numbered(count), IDENTITY, augmentations, count, size, seed)


def test_an_epoch_has_every_image_at_most_once_and_only_full_batches() -> None:
    seen = [targets.argmax(1) for _, targets in batches(50, 16).epoch(1)]
    assert [len(labels) for labels in seen] == [16, 16, 16]
    assert len(torch.cat(seen).unique()) == 48


def test_images_stay_with_their_labels_through_augmentation(catalog: Catalog) -> None:
    augmentations = chain(catalog, flip={}, translate={"pixels": 2})
    for images, targets in batches(40, 10, augmentations=augmentations).epoch(3):
        assert torch.equal(images.mean((1, 2, 3)).round().long(), targets.argmax(1))


def test_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return torch.cat([t.argmax(1) for _, t in batches(64, 16, seed=seed).epoch(epoch)]).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)
    assert order(0, 2) != order(1, 1)


def test_seeds_of_neighbouring_runs_and_epochs_do_not_meet() -> None:
    seeds = {epoch_seed(seed, epoch) for seed in range(100) for epoch in range(100)}
    assert len(seeds) == 10_000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_rotated_corners_are_black_before_normalization(catalog: Catalog) -> None:
    white = LabelledImages(torch.full((4, 1, 8, 8), 255, dtype=torch.uint8), torch.zeros(4).long())
    turned = TrainingBatches(white, half(1), chain(catalog, rotate={"degrees": 45.0}), 1, 4, 0)
    (images, _), *_ = turned.epoch(1)
    assert images.min() >= -1.0001
    assert images.min() < -0.5  # black is -1 after normalization by .5 and .5


def test_evaluation_keeps_order_and_every_image() -> None:
    labels = torch.cat([labels for _, labels in evaluation_batches(numbered(10), IDENTITY, 4)])
    assert labels.tolist() == list(range(10))


def test_normalization_of_images_gives_mean_0_and_deviation_1() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 6, 6), generator=generator, dtype=torch.uint8)
    normalized = of_images(images)(images).double()
    torch.testing.assert_close(normalized.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        normalized.std((0, 2, 3), correction=0), torch.ones(3).double(), atol=1e-6, rtol=0
    )


def test_a_constant_channel_is_left_finite() -> None:
    constant = torch.full((4, 1, 3, 3), 7, dtype=torch.uint8)
    assert torch.isfinite(of_images(constant)(constant)).all()


@pytest.mark.parametrize(("value", "expected"), [(0, -1.0), (255, 1.0)])
def test_half_maps_the_range_to_minus_1_and_1(value: int, expected: float) -> None:
    images = torch.full((1, 3, 2, 2), value, dtype=torch.uint8)
    torch.testing.assert_close(half(3)(images), torch.full((1, 3, 2, 2), expected))
