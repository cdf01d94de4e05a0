"""A chain of augmentations: what is drawn for an epoch, and what is done to its batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from netlab.engine.catalog import Component, Part
from netlab.errors import NetlabError
from netlab.kinds.augmentation import Batch, Epoch, IndexMap


@dataclass(frozen=True, slots=True)
class SampledAugmentation:
    """An augmentation with its random numbers of one epoch. ``apply`` takes and gives an ``IndexMap`` where
    it is geometric, else a ``Batch``."""

    component: Component
    geometric: bool
    apply: Callable[..., object]

    def checked(self, given: Batch | IndexMap) -> Batch | IndexMap:
        """What it makes of a batch or a map.

        Raises:
            PluginError: it failed, or gave something of another shape.
        """
        try:
            result = self.apply(given)
        except (NetlabError, MemoryError):
            raise
        except Exception as error:
            raise self.component.failed(error) from error
        if type(result) is not type(given):
            raise self.component.broke(f"gave {type(result).__name__}, expected {type(given).__name__}")
        for name in ("rows", "columns") if self.geometric else ("images", "targets"):
            before, after = getattr(given, name), getattr(result, name)
            if getattr(after, "shape", None) != before.shape or after.dtype != before.dtype:
                gave = f"{getattr(after, 'dtype', type(after).__name__)} {tuple(getattr(after, 'shape', ()))}"
                raise self.component.broke(
                    f"changed {name} from {before.dtype} {tuple(before.shape)} to {gave}"
                )
        assert isinstance(result, (Batch, IndexMap))
        return result


def sample_augmentations(
    parts: Sequence[Part], epoch: Epoch, generator: torch.Generator
) -> list[SampledAugmentation]:
    """Sample what is done to each image of an epoch, in the order of the chain.

    Raises:
        UsageError, PluginError: an augmentation refuses its options, or failed.
    """
    return [
        SampledAugmentation(
            part.component,
            "geometric" in part.component.spec.tags,
            part.component.build(
                len(epoch.images),
                generator,
                options=part.options,
                **({"epoch": epoch} if "epoch" in part.component.spec.tags else {}),
            ),
        )
        for part in parts
    ]


def augmented(
    images: Tensor,
    labels: Tensor,
    indices: Tensor,
    chain: Sequence[SampledAugmentation],
    *,
    places: slice,
    classes: int,
) -> tuple[Tensor, Tensor]:
    """The images (N, C, H, W) at ``indices`` (B,) after the chain, and their targets float32 (B, classes).

    Images come channels-last in memory: uint8 after a chain of geometric augmentations alone, which is one
    gather, else float32 from 0 to 255. ``places`` says where they stand in the epoch.
    """
    device = images.device
    targets = functional.one_hot(labels[indices.to(device)], classes).float()
    leading = next((i for i, drawn in enumerate(chain) if not drawn.geometric), len(chain))
    moved = gather(images, indices, map_of(chain[:leading], len(indices), images.shape[-2:], places))
    if leading == len(chain):
        return moved, targets
    batch = Batch(moved.float(), targets, places)
    for drawn in chain[leading:]:
        if drawn.geometric:
            came_from = map_of([drawn], len(indices), images.shape[-2:], places)
            batch = replace(batch, images=gather(batch.images, torch.arange(len(indices)), came_from))
        else:
            changed = drawn.checked(batch)
            assert isinstance(changed, Batch)
            batch = changed
    return batch.images.contiguous(memory_format=torch.channels_last), batch.targets


def map_of(chain: Sequence[SampledAugmentation], count: int, size: Sequence[int], places: slice) -> IndexMap:
    """The map of a chain of geometric augmentations of images of this (height, width)."""
    rows, columns = (torch.arange(length).expand(count, -1) for length in size)
    came_from = IndexMap(rows, columns, places)
    for drawn in chain:
        changed = drawn.checked(came_from)
        assert isinstance(changed, IndexMap)
        came_from = changed
    return came_from


def gather(images: Tensor, indices: Tensor, came_from: IndexMap) -> Tensor:
    """``images[indices]`` moved by a map, in one gather: (B, C, H, W), channels-last in memory."""
    device = images.device
    rows, columns = came_from.rows.to(device), came_from.columns.to(device)
    gathered = images[indices.to(device)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return gathered.permute(0, 3, 1, 2)
