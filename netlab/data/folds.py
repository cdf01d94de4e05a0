"""Cross-validation: every image is tested once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


@dataclass(frozen=True, slots=True)
class Folds:
    """``folds`` parts of a data set: ``fold`` (from 0) is tested on, the others are trained on."""

    folds: int
    fold: int
    seed: int

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise UsageError(f"--folds {self.folds}: two or more are needed")
        if self.fold >= self.folds:
            raise UsageError(f"--fold {self.fold}: of {self.folds} folds the last is {self.folds - 1}")


@dataclass(frozen=True, slots=True)
class Pool:
    """The images that folds are made of; ``groups`` int64 (N,) as in ``ImageData``."""

    images: LabelledImages
    groups: Tensor

    def at(self, indices: Tensor) -> Pool:
        """Those at ``indices`` int64."""
        images = LabelledImages(self.images.images[indices], self.images.labels[indices])
        return Pool(images, self.groups[indices])


def with_sampled_test_part(train: Pool, data: ImageData) -> Pool:
    """The training images of a data set, with its test images where netlab has set them aside itself."""
    if data.test_groups is None:
        return train
    images = torch.cat([data.train.images, data.test.images])
    labels = torch.cat([data.train.labels, data.test.labels])
    return Pool(LabelledImages(images, labels), torch.cat([train.groups, data.test_groups]))


def fold_numbers(
    labels: Tensor,
    folds: int,
    *,
    seed: int,
    groups: Tensor | None = None,
    class_names: Sequence[str] | None = None,
) -> Tensor:
    """The fold of each point, int64 (N,) in [0, folds): no two differ by more than 1 in points of a class.

    Points of one number in ``groups`` int64 (N,) have one fold; then they may differ by more. Each group, in
    random order, goes to the fold that has fewest points of its class, of several to that with fewest of all.

    Raises:
        UsageError: a class has fewer groups than there are folds.
    """
    units: dict[int, list[int]] = {}
    for place in range(len(labels)):
        units.setdefault(place if groups is None else int(groups[place]), []).append(place)
    by_class: dict[int, list[list[int]]] = {}
    for members in units.values():
        by_class.setdefault(int(labels[members[0]]), []).append(members)
    generator = torch.Generator().manual_seed(seed)
    found = torch.empty(len(labels), dtype=torch.int64)
    counts = torch.zeros(folds, 1 + int(labels.max()), dtype=torch.int64)
    for label, of_class in sorted(by_class.items()):
        if len(of_class) < folds:
            name = class_names[label] if class_names else str(label)
            raise UsageError(
                f"class '{name}' has {len(of_class)} different images: each of {folds} folds needs one"
            )
        for place in torch.randperm(len(of_class), generator=generator).tolist():
            members = of_class[place]
            fold = min(range(folds), key=lambda n: (int(counts[n, label]), int(counts[n].sum()), n))
            found[members] = fold
            counts[fold] += torch.bincount(labels[members], minlength=counts.shape[1])
    return found
