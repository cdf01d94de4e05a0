"""The validation split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


@dataclass(frozen=True, slots=True)
class Splits:
    """What a run trains, validates and tests on.

    ``train_indices`` and ``val_indices`` are int64 positions in the data set's training part,
    ascending; ``val_indices`` is empty when the data set has a validation part of its own.
    """

    train: LabelledImages
    val: LabelledImages
    test: LabelledImages
    train_indices: Tensor
    val_indices: Tensor


def stratified_share(
    labels: Tensor, share: float, *, seed: int, class_names: Sequence[str] | None = None
) -> Tensor:
    """A random ``share`` of every class: indices int64, ascending.

    Each class gives ``round(share * size)`` points, but at least one and not all of them.

    Raises:
        UsageError: a class has a single point.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in labels.unique():
        members = torch.nonzero(labels == label).flatten()
        if len(members) < 2:
            name = class_names[int(label)] if class_names else str(int(label))
            raise UsageError(
                f"class '{name}' has a single image: two are needed to split it"
                " (more images, or a validation part of their own)"
            )
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        chosen.append(members[torch.randperm(len(members), generator=generator)[:count]])
    return torch.cat(chosen).sort().values


def split_data(data: ImageData, *, validation: float, seed: int) -> Splits:
    """Take a stratified validation part out of the training images, unless the data has its own."""
    everything = torch.arange(len(data.train))
    if data.val is not None:
        return Splits(data.train, data.val, data.test, everything, everything[:0])
    val_indices = stratified_share(data.train.labels, validation, seed=seed, class_names=data.class_names)
    in_train = torch.ones(len(data.train), dtype=torch.bool)
    in_train[val_indices] = False
    train_indices = everything[in_train]
    train, val = (
        LabelledImages(data.train.images[indices], data.train.labels[indices])
        for indices in (train_indices, val_indices)
    )
    return Splits(train, val, data.test, train_indices, val_indices)
