"""What augmentations are checked on: batches, maps, and what comes of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netlab.kinds.augmentation import Batch, Epoch, IndexMap
from netlab.testing.checks import Subject, expect

COUNT, PLACES, SIZE, CLASSES = 96, slice(16, 80), (18, 24), 5


def length(places: slice) -> int:
    return int(places.stop - places.start)


def images(channels: int = 3, places: slice = PLACES, size: tuple[int, int] = SIZE) -> Tensor:
    """64 images of 18 x 24 with values from 0 to 255, channels-last."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (length(places), channels, *size), generator=generator).float()
    return values.contiguous(memory_format=torch.channels_last)


def batch(channels: int = 3, places: slice = PLACES, size: tuple[int, int] = SIZE) -> Batch:
    """A batch from the middle of an epoch of 96 images."""
    targets = torch.eye(CLASSES)[torch.arange(length(places)) % CLASSES]
    return Batch(images(channels, places, size), targets, places)


def index_map(places: slice = PLACES, size: tuple[int, int] = SIZE) -> IndexMap:
    """The map that moves nothing."""
    rows, columns = (torch.arange(side).expand(length(places), -1) for side in size)
    return IndexMap(rows, columns, places)


def is_geometric(subject: Subject) -> bool:
    return "geometric" in subject.component.spec.tags


def example(subject: Subject, places: slice = PLACES, channels: int = 3, size: tuple[int, int] = SIZE) -> Any:
    """What it is given: a map where it is geometric, else a batch."""
    return index_map(places, size) if is_geometric(subject) else batch(channels, places, size)


def parts_of(given: Any) -> dict[str, Tensor]:
    """Rows and columns of a map; images and targets of a batch."""
    names = ("rows", "columns") if isinstance(given, IndexMap) else ("images", "targets")
    return {name: getattr(given, name) for name in names}


def drawn(subject: Subject, seed: int = 0, count: int = COUNT) -> Any:
    """What the component gives for the first epoch of a training."""
    more = {"epoch": Epoch(1, torch.arange(count), seed)} if "epoch" in subject.component.spec.tags else {}
    apply: Any = subject.build(count, torch.Generator().manual_seed(seed), **more)
    expect(callable(apply), f"it gave {type(apply).__name__}, not a function of a batch")
    return apply


def applied(apply: Any, given: Any) -> dict[str, Tensor]:
    """What is made of a batch or map, of the same type, shapes and dtypes."""
    result = apply(given)
    expect(
        type(result) is type(given),
        f"it gave {type(result).__name__}, expected {type(given).__name__} (tag 'geometric' says which)",
    )
    found, before = parts_of(result), parts_of(given)
    for name, value in found.items():
        was = before[name]
        expect(
            isinstance(value, Tensor) and value.shape == was.shape and value.dtype == was.dtype,
            f"{name} {was.dtype} {tuple(was.shape)} became"
            f" {getattr(value, 'dtype', type(value).__name__)} {tuple(getattr(value, 'shape', ()))}",
        )
    expect(result.places == given.places, "it changed the places of the batch")
    return found


def outcome(subject: Subject, seed: int = 0, channels: int = 3) -> dict[str, Tensor]:
    """What it makes of the example."""
    return applied(drawn(subject, seed), example(subject, channels=channels))


def expect_in_range(found: dict[str, Tensor], size: tuple[int, int] = SIZE) -> None:
    """Rows and columns of the image, pixels from 0 to 255, probabilities."""
    if "rows" in found:
        for name, side in zip(("rows", "columns"), size, strict=True):
            low, high = int(found[name].min()), int(found[name].max())
            expect(
                low >= 0 and high < side, f"{name} go from {low} to {high}, the image from 0 to {side - 1}"
            )
        return
    first, second = found["images"], found["targets"]
    expect(bool(first.isfinite().all()), "a pixel is not finite")
    expect(
        float(first.min()) >= -0.01 and float(first.max()) <= 255.01,
        f"pixels go from {float(first.min()):g} to {float(first.max()):g}, expected 0 to 255",
    )
    expect(
        bool((second >= -1e-6).all()) and bool(((second.sum(1) - 1).abs() < 1e-5).all()),
        "targets are no probabilities any more: negative, or they do not add up to 1",
    )
