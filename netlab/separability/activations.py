"""The outputs of a network's layers, in the order of execution, within a memory budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netlab.errors import UsageError
from netlab.separability.layers import Done, Layer, Preprocess, forward, hooked


@dataclass(frozen=True, slots=True)
class Captured:
    """Outputs of layers for n images.

    ``features`` by name: float32 (n, features), where the model is. ``incomplete``: of how many images
    there was an output, for layers that did not give one for every image (an early exit, an expert, a
    branch that is not always taken); these are not in ``features``.
    """

    features: dict[str, Tensor]
    incomplete: dict[str, int]


def capture(
    model: nn.Module,
    images: Tensor,
    layers: Sequence[Layer],
    *,
    preprocess: Preprocess | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> Captured:
    """The outputs of some layers for all images.

    The forward pass of a batch stops at the last layer that is needed.
    """
    wanted: dict[tuple[str, int], list[Layer]] = {}
    for layer in layers:
        wanted.setdefault((layer.module, layer.call), []).append(layer)
    buffers: dict[str, Tensor] = {}
    calls: dict[str, int] = {}
    missing: set[str] = set()
    images_of = {layer.name: 0 for layer in layers}
    rows = slice(0, 0)

    def see(name: str, output: Any) -> None:
        call = calls[name] = calls.get(name, 0) + 1
        for layer in wanted.get((name, call), ()):
            tensor = _part(output, layer.path)
            if tensor is None or tensor.dim() <= layer.images_at:
                continue
            tensor = tensor.movedim(layer.images_at, 0)
            if tensor.shape != (rows.stop - rows.start, *layer.shape):
                continue
            images_of[layer.name] += len(tensor)
            if layer.name not in buffers:
                buffers[layer.name] = torch.empty(len(images), layer.features, device=tensor.device)
            buffers[layer.name][rows] = tensor.reshape(len(tensor), -1)
            missing.discard(layer.name)
        if not missing:
            raise Done

    with hooked(model, [layer.module for layer in layers], see):
        for start in range(0, len(images), batch_size):
            rows = slice(start, min(start + batch_size, len(images)))
            calls.clear()
            missing = {layer.name for layer in layers}
            forward(model, images[rows], preprocess)
            if progress is not None:
                progress(rows.stop, len(images))
    incomplete = {name: count for name, count in images_of.items() if count < len(images)}
    return Captured({name: kept for name, kept in buffers.items() if name not in incomplete}, incomplete)


def _part(output: Any, path: tuple[Any, ...]) -> Tensor | None:
    """A part of what a module gave; None where this time there is none."""
    for step in path:
        try:
            output = output[step]
        except (KeyError, IndexError, TypeError):
            return None
    return output if isinstance(output, Tensor) else None


def plan_passes(
    layers: Sequence[Layer], points: int, memory: int, *, fixed: int, kept: int = 1
) -> list[list[Layer]]:
    """Consecutive layers that are captured together: as many a pass as fit the memory.

    A pass holds the features of its layers for all ``points`` (every split), float32, and ``kept``
    sorted copies of one layer at a time, beside ``fixed`` bytes.

    Raises:
        UsageError: a single layer does not fit, with what it needs.
    """
    passes: list[list[Layer]] = []
    held = largest = 0
    for layer in layers:
        size = 4 * points * layer.features
        alone = size * (1 + kept) + fixed
        if alone > memory:
            raise UsageError(
                f"layer '{layer.name}' has {layer.features:,} features for {points:,} points: it needs "
                f"{-(-alone // 2**20):,} MiB of memory, but {memory // 2**20:,} MiB are allowed "
                "(raise --memory, lower --fraction, or leave it out with --layers)"
            )
        if passes and held + size + kept * max(largest, size) + fixed <= memory:
            passes[-1].append(layer)
            held, largest = held + size, max(largest, size)
        else:
            passes.append([layer])
            held = largest = size
    return passes
