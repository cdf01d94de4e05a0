"""A chain of augmentations: one gather for geometric ones, in the order that was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from netlab.data.augmentation import SampledAugmentation, augmented, sample_augmentations
from netlab.engine.catalog import Catalog, Part
from netlab.engine.manager import PluginManager
from netlab.errors import PluginError
from netlab.kinds.augmentation import Epoch

COUNT, CLASSES = 12, 3


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """A catalogue of its own: parts are made to fail here, which a manager keeps."""
    return Catalog(PluginManager.from_environment())


def part(catalog: Catalog, name: str, **options: Any) -> Part:
    component = catalog.find("augmentation", name)
    return Part(component, component.make_options(options))


def random_images(height: int = 9, width: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (COUNT, 3, height, width), generator=generator, dtype=torch.uint8)


LABELS = torch.arange(COUNT) % CLASSES
ORDER = torch.randperm(COUNT, generator=torch.Generator().manual_seed(2))
EPOCH = Epoch(1, ORDER, seed=0)


def run(images: torch.Tensor, chain: list[SampledAugmentation], places: slice = slice(0, COUNT)) -> Any:
    return augmented(images, LABELS, ORDER[places], chain, places=places, classes=CLASSES)


def drawn(parts: list[Part], seed: int = 0) -> list[SampledAugmentation]:
    return sample_augmentations(parts, EPOCH, torch.Generator().manual_seed(seed))


def test_without_augmentations_images_and_targets_are_those_of_the_data() -> None:
    images = random_images()
    moved, targets = run(images, [])
    assert torch.equal(moved, images[ORDER])
    assert torch.equal(targets.argmax(1), LABELS[ORDER])
    assert torch.equal(targets.sum(1), torch.ones(COUNT))
    assert moved.is_contiguous(memory_format=torch.channels_last)


def test_a_chain_of_geometric_ones_is_each_after_the_other_and_stays_uint8(catalog: Catalog) -> None:
    parts = [
        part(catalog, "flip", vertical=True),
        part(catalog, "translate", pixels=3),
        part(catalog, "flip"),
    ]
    generator = torch.Generator().manual_seed(0)
    images = random_images()
    expected = images[ORDER]
    for one in parts:  # each alone, on the images that the one before made
        (alone,) = sample_augmentations([one], EPOCH, generator)
        expected, _ = augmented(
            expected, LABELS, torch.arange(COUNT), [alone], places=slice(0, COUNT), classes=CLASSES
        )
    moved, _ = run(images, drawn(parts))
    assert moved.dtype == torch.uint8
    assert torch.equal(moved, expected)
    assert not torch.equal(moved, images[ORDER])


def test_a_geometric_one_after_another_kind_moves_what_that_made(catalog: Catalog) -> None:
    images = random_images()
    jitter, flip = part(catalog, "color-jitter"), part(catalog, "flip")
    changed, _ = run(images, drawn([jitter]))
    both, _ = run(images, drawn([jitter, flip]))
    same = [torch.equal(a, b) for a, b in zip(both, changed, strict=True)]
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(both, changed, strict=True)]
    assert all(s != m for s, m in zip(same, mirrored, strict=True))
    assert any(same)
    assert any(mirrored)


def test_batches_of_an_epoch_get_their_own_draws(catalog: Catalog) -> None:
    images, chain = random_images(), drawn([part(catalog, "flip"), part(catalog, "rotate")])
    whole, _ = run(images, chain)
    halves = [run(images, chain, places)[0] for places in (slice(0, 5), slice(5, COUNT))]
    torch.testing.assert_close(whole, torch.cat(halves))


def stranger(catalog: Catalog, apply: Any, *, geometric: bool = False) -> SampledAugmentation:
    return SampledAugmentation(catalog.find("augmentation", "mixup"), geometric, apply)


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (lambda batch: batch.images, "gave Tensor, expected Batch"),
        (lambda batch: replace(batch, images=batch.images[:, :1]), "changed images from torch.float32"),
        (lambda batch: replace(batch, targets=batch.targets.half()), "changed targets from torch.float32"),
        (lambda batch: 1 / 0, "division by zero"),
    ],
)
def test_one_that_fails_or_breaks_its_contract_is_named(catalog: Catalog, apply: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message) as raised:
        run(random_images(), [stranger(catalog, apply)])
    assert "augmentation 'mixup'" in str(raised.value)


def test_what_mixes_images_mixes_their_targets(catalog: Catalog) -> None:
    _, targets = run(random_images(), drawn([part(catalog, "mixup", alpha=1.0)]))
    assert (targets.amax(1) < 1).any()
    torch.testing.assert_close(targets.sum(1), torch.ones(COUNT))
