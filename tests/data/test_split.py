"""The validation split is stratified, complete and a function of its seed."""

from __future__ import annotations

import pytest
import torch

from netlab.data.split import SplitRule, split_data, stratified_share
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


def data(labels: torch.Tensor, *, own_val: bool = False) -> ImageData:
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    part = LabelledImages(images, labels)
    names = tuple(str(label) for label in range(int(labels.max()) + 1))
    return ImageData(part, part, names, frozenset(), val=part if own_val else None)


def test_every_class_gives_its_share() -> None:
    labels = torch.tensor([0] * 100 + [1] * 50 + [2] * 10)
    chosen = stratified_share(labels, 0.1, seed=3)
    assert torch.bincount(labels[chosen]).tolist() == [10, 5, 1]
    assert chosen.tolist() == sorted(set(chosen.tolist()))


def test_train_and_val_share_nothing_and_lose_nothing() -> None:
    splits = split_data(data(torch.arange(60) % 3), SplitRule(0.2, 0))
    seen = torch.cat([splits.train.images, splits.val.images])[:, 0, 0, 0]
    assert sorted(seen.tolist()) == list(range(60))
    assert torch.equal(splits.val.images[:, 0, 0, 0].long(), splits.val_indices)


def test_the_seed_decides() -> None:
    labels = torch.arange(100) % 5
    assert torch.equal(stratified_share(labels, 0.2, seed=1), stratified_share(labels, 0.2, seed=1))
    assert not torch.equal(stratified_share(labels, 0.2, seed=1), stratified_share(labels, 0.2, seed=2))


def test_a_data_sets_own_validation_part_is_kept() -> None:
    splits = split_data(data(torch.arange(20) % 2, own_val=True), SplitRule(0.5, 0))
    assert len(splits.train) == len(splits.val) == 20
    assert len(splits.val_indices) == 0


def test_a_class_of_one_image_can_not_be_split() -> None:
    with pytest.raises(UsageError, match="class .1. has a single image"):
        stratified_share(torch.tensor([0, 0, 0, 1]), 0.5, seed=0)
