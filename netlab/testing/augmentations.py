"""Checks of augmentations. Contract: ``netlab.kinds.augmentation``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netlab.kinds.augmentation import Batch, IndexMap
from netlab.testing.checks import NotApplicable, Subject, expect

COUNT, PLACES, SIZE, CLASSES = 96, slice(16, 80), (18, 24), 5


def images(channels: int = 3) -> Tensor:
    """64 images of 18 x 24 with values from 0 to 255, channels-last."""
    generator = torch.Generator().manual_seed(0)
    count = PLACES.stop - PLACES.start
    values = torch.randint(0, 256, (count, channels, *SIZE), generator=generator).float()
    return values.contiguous(memory_format=torch.channels_last)


def batch(channels: int = 3) -> Batch:
    """A batch from the middle of an epoch of 96 images."""
    count = PLACES.stop - PLACES.start
    return Batch(images(channels), torch.eye(CLASSES)[torch.arange(count) % CLASSES], PLACES)


def index_map(places: slice = PLACES) -> IndexMap:
    """The map that moves nothing."""
    count = places.stop - places.start
    rows, columns = (torch.arange(length).expand(count, -1) for length in SIZE)
    return IndexMap(rows, columns, places)


def is_geometric(subject: Subject) -> bool:
    return "geometric" in subject.component.spec.tags


def drawn(subject: Subject, seed: int = 0, count: int = COUNT) -> Any:
    """What the component gives for an epoch."""
    apply: Any = subject.build(count, torch.Generator().manual_seed(seed))
    expect(callable(apply), f"it gave {type(apply).__name__}, not a function of a batch")
    return apply


def outcome(subject: Subject, seed: int = 0, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Rows and columns of a geometric one; images and targets of another."""
    apply = drawn(subject, seed)
    given = index_map() if is_geometric(subject) else batch(channels)
    result = apply(given)
    expect(
        type(result) is type(given),
        f"it gave {type(result).__name__}, expected {type(given).__name__} (tag 'geometric' says which)",
    )
    names = ("rows", "columns") if is_geometric(subject) else ("images", "targets")
    first, second = (getattr(result, name) for name in names)
    return first, second


def shape(subject: Subject) -> None:
    """Shapes and dtypes stay, for images in colour and in grey."""
    for channels in (3, 1):
        given = index_map() if is_geometric(subject) else batch(channels)
        names = ("rows", "columns") if is_geometric(subject) else ("images", "targets")
        for name, value in zip(names, outcome(subject, channels=channels), strict=True):
            before = getattr(given, name)
            expect(
                value.shape == before.shape and value.dtype == before.dtype,
                f"{name} {before.dtype} {tuple(before.shape)} became {value.dtype} {tuple(value.shape)}",
            )


def in_range(subject: Subject) -> None:
    """Maps stay inside the image; pixels stay finite, from 0 to 255; targets stay probabilities."""
    first, second = outcome(subject)
    if is_geometric(subject):
        for name, value, length in (("rows", first, SIZE[0]), ("columns", second, SIZE[1])):
            expect(
                int(value.min()) >= 0 and int(value.max()) < length,
                f"{name} go from {int(value.min())} to {int(value.max())}, the image from 0 to {length - 1}",
            )
        return
    expect(bool(first.isfinite().all()), "a pixel is not finite")
    expect(
        float(first.min()) >= -0.01 and float(first.max()) <= 255.01,
        f"pixels go from {float(first.min()):g} to {float(first.max()):g}, expected 0 to 255",
    )
    expect(
        bool((second >= -1e-6).all()) and bool(((second.sum(1) - 1).abs() < 1e-5).all()),
        "targets are no probabilities any more: negative, or they do not add up to 1",
    )


def targets_kept(subject: Subject) -> None:
    """Only an augmentation tagged 'mixing' changes targets."""
    if is_geometric(subject) or "mixing" in subject.component.spec.tags:
        raise NotApplicable("it is geometric, which gives no targets, or mixing, which may change them")
    expect(torch.equal(outcome(subject)[1], batch().targets), "targets changed, without the tag 'mixing'")


def seed(subject: Subject) -> None:
    """The same seed gives the same, another seed something else; the global generator is not touched."""
    before = torch.random.get_rng_state()
    first, again, other = (outcome(subject, number) for number in (0, 0, 1))
    expect(all(map(torch.equal, first, again)), "the same seed gave two results")
    expect(torch.equal(torch.random.get_rng_state(), before), "the global generator was used")
    if "still" in subject.component.spec.tags:  # it changes nothing, and says so
        return
    expect(
        not all(map(torch.equal, first, other)),
        "another seed gives the same: nothing random is drawn from it",
    )


def drawn_once(subject: Subject) -> None:
    """What is done to a batch does not depend on the batches before: nothing is drawn while it is applied."""
    apply = drawn(subject)
    given = index_map() if is_geometric(subject) else batch()
    names = ("rows", "columns") if is_geometric(subject) else ("images", "targets")
    first, second = apply(given), apply(given)
    for name in names:
        expect(
            torch.equal(getattr(first, name), getattr(second, name)),
            f"the same batch twice gave other {name}: draw when called with the generator, not when applied",
        )


def input_kept(subject: Subject) -> None:
    """The batch that it is given is not changed in place."""
    given = batch()
    if is_geometric(subject):
        raise NotApplicable("it is given maps, not images")
    drawn(subject)(given)
    expect(torch.equal(given.images, images()), "it changes the images in place")
    expect(torch.equal(given.targets, batch().targets), "it changes the targets in place")


def by_place(subject: Subject) -> None:
    """An image's changes follow its place in the epoch, so that processes can share a batch."""
    if "mixing" in subject.component.spec.tags:
        raise NotApplicable("what it mixes depends on the batch")
    apply = drawn(subject)
    part, places = slice(8, 24), slice(PLACES.start + 8, PLACES.start + 24)
    if is_geometric(subject):
        whole, share = apply(index_map()), apply(index_map(places))
        pairs = [(whole.rows[part], share.rows), (whole.columns[part], share.columns)]
    else:
        given = batch()
        whole = apply(given)
        share = apply(Batch(given.images[part], given.targets[part], places))
        pairs = [(whole.images[part], share.images)]
    expect(
        all(torch.allclose(a.float(), b.float(), atol=1e-2) for a, b in pairs),
        "an image is changed otherwise when its batch is cut in two: index what was drawn with batch.places",
    )


CHECKS = (shape, in_range, targets_kept, seed, drawn_once, input_kept, by_place)
