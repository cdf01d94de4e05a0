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
    labels: Tensor,
    share: float,
    *,
    seed: int,
    class_names: Sequence[str] | None = None,
    groups: Tensor | None = None,
) -> Tensor:
    """A random ``share`` of every class: indices int64, ascending.

    Each class gives ``round(share * size)`` points, but at least one and not all of them. Points of one
    number in ``groups`` int64 (N,) stay together: a class gives whole groups until it has given as many
    points. Groups in which classes differ are not drawn.

    Raises:
        UsageError: a class has a single point, or a single group.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    mixed = set() if groups is None else groups_of_several_classes(labels, groups)
    for label in labels.unique():
        members = torch.nonzero(labels == label).flatten()
        together: dict[int, list[int]] = {}
        for member in members.tolist():
            group = member if groups is None else int(groups[member])
            together.setdefault(group, []).append(member)
        if len(together) < 2:
            name = class_names[int(label)] if class_names else str(int(label))
            raise UsageError(
                f"class '{name}' has a single image: two are needed to split it"
                " (more images, or a validation part of their own)"
            )
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        units, drawn = list(together), 0
        for place in torch.randperm(len(units), generator=generator).tolist()[: len(units) - 1]:
            if drawn >= count:
                break
            if units[place] not in mixed:
                chosen += together[units[place]]
                drawn += len(together[units[place]])
    return torch.tensor(sorted(chosen), dtype=torch.int64)


def groups_of_several_classes(labels: Tensor, groups: Tensor) -> set[int]:
    """Groups whose points do not have one label."""
    label_of: dict[int, int] = {}
    pairs = zip(groups.tolist(), labels.tolist(), strict=True)
    return {group for group, label in pairs if label_of.setdefault(group, label) != label}


def split_data(data: ImageData, *, validation: float, seed: int) -> Splits:
    """Take a stratified validation part out of the training images, unless the data has its own."""
    everything = torch.arange(len(data.train))
    if data.val is not None:
        return Splits(data.train, data.val, data.test, everything, everything[:0])
    val_indices = stratified_share(
        data.train.labels, validation, seed=seed, class_names=data.class_names, groups=data.groups
    )
    in_train = torch.ones(len(data.train), dtype=torch.bool)
    in_train[val_indices] = False
    train_indices = everything[in_train]
    train, val = (
        LabelledImages(data.train.images[indices], data.train.labels[indices])
        for indices in (train_indices, val_indices)
    )
    return Splits(train, val, data.test, train_indices, val_indices)
