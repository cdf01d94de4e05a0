"""The validation split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netlab.data.folds import Folds, Pool, fold_numbers, with_sampled_test_part
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


@dataclass(frozen=True, slots=True)
class Splits:
    """What a run trains, validates and tests on.

    ``train_indices`` and ``val_indices`` are int64 positions in the data set's training part (in what its
    folds leave to train on), ascending; ``val_indices`` is empty when the data set has a validation part of
    its own. ``sha256`` says how the data was split; the folds of one cross-validation have the same.
    """

    train: LabelledImages
    val: LabelledImages
    test: LabelledImages
    train_indices: Tensor
    val_indices: Tensor
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class SplitRule:
    """``validation`` is the share of each class that is held out, sampled by ``seed``; ``folds`` is what is
    tested on, where that is not the data set's own test part."""

    validation: float
    seed: int
    folds: Folds | None = None


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


def split_data(data: ImageData, rule: SplitRule) -> Splits:
    """Take a stratified validation part out of the training images, unless the data has its own.

    Raises:
        UsageError: a class has too few images.
    """
    train_groups = torch.arange(len(data.train)) if data.groups is None else data.groups
    whole, test, fold_of = Pool(data.train, train_groups), data.test, None
    if rule.folds is not None:
        whole = with_sampled_test_part(whole, data)
        fold_of = fold_numbers(
            whole.images.labels, rule.folds.folds, seed=rule.folds.seed, groups=whole.groups,
            class_names=data.class_names,
        )  # fmt: skip
        is_tested = fold_of == rule.folds.fold
        test = whole.at(torch.nonzero(is_tested).flatten()).images
        whole = whole.at(torch.nonzero(~is_tested).flatten())
    images = whole.images
    everything = torch.arange(len(images))
    if data.val is not None:
        train_indices, val_indices = everything, everything[:0]
        train, val = images, data.val
    else:
        val_indices = stratified_share(
            images.labels, rule.validation, seed=rule.seed, class_names=data.class_names, groups=whole.groups
        )
        in_train = torch.ones(len(images), dtype=torch.bool)
        in_train[val_indices] = False
        train_indices = everything[in_train]
        train, val = whole.at(train_indices).images, whole.at(val_indices).images
    if fold_of is None:
        described = val_indices.numpy().tobytes()
    else:
        described = fold_of.numpy().tobytes() + f"{rule.validation} {rule.seed}".encode()
    return Splits(train, val, test, train_indices, val_indices, hashlib.sha256(described).hexdigest())
