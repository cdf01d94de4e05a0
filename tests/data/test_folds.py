"""Cross-validation: every image is tested once, copies together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from netlab.data.batches import balanced_order
from netlab.data.folds import Folds, fold_numbers
from netlab.data.split import SplitRule, split_data
from netlab.errors import UsageError
from netlab.kinds.dataset import ImageData, LabelledImages


@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.integers(2, 4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_folds_are_as_even_as_those_of_scikit_learn(labels: list[int], folds: int, seed: int) -> None:
    given_labels = torch.tensor(labels)
    counts = torch.bincount(given_labels)
    if int(counts[counts > 0].min()) < folds:
        with pytest.raises(UsageError, match=f"each of {folds} folds needs one"):
            fold_numbers(given_labels, folds, seed=seed)
        return
    found = fold_numbers(given_labels, folds, seed=seed)
    theirs = StratifiedKFold(folds).split(labels, labels)
    sizes = sorted(len(tested) for _, tested in theirs)
    assert sorted(torch.bincount(found, minlength=folds).tolist()) == sizes
    for label in given_labels.unique():
        of_class = torch.bincount(found[given_labels == label], minlength=folds)
        assert int(of_class.max() - of_class.min()) <= 1


@given(st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_copies_have_one_fold(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(12, (40,), generator=generator)
    labels = groups % 2
    if min(len(groups[labels == label].unique()) for label in (0, 1)) < 3:
        return
    found = fold_numbers(labels, 3, seed=seed, groups=groups)
    for group in groups.unique():
        assert len(found[groups == group].unique()) == 1


def data(train: int, test: int, *, sampled: bool) -> ImageData:
    """Images whose first pixel is their number, in two classes."""
    numbers = torch.arange(train + test, dtype=torch.uint8)
    images = numbers.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)
    parts = [
        LabelledImages(images[part], numbers[part].long() % 2) for part in (slice(train), slice(train, None))
    ]
    groups = torch.arange(train + test)
    return ImageData(
        parts[0], parts[1], ("a", "b"), frozenset(), groups=groups[:train],
        test_groups=groups[train:] if sampled else None,
    )  # fmt: skip


@pytest.mark.parametrize(("sampled", "tested"), [(True, range(40)), (False, range(30))])
def test_every_image_that_netlab_may_split_is_tested_once(sampled: bool, tested: range) -> None:
    found = []
    digests = set()
    for fold in range(5):
        splits = split_data(data(30, 10, sampled=sampled), SplitRule(0.2, 0, Folds(5, fold, 0)))
        test, train, val = (
            set(part.images[:, 0, 0, 0].tolist()) for part in (splits.test, splits.train, splits.val)
        )
        assert not test & train | test & val | train & val
        assert test | train | val == set(tested)
        found += sorted(test)
        digests.add(splits.sha256)
    assert sorted(found) == list(tested)
    assert len(digests) == 1
    assert split_data(data(30, 10, sampled=sampled), SplitRule(0.2, 1, Folds(5, 0, 1))).sha256 not in digests


def test_folds_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="--folds 1: two or more"):
        Folds(1, 0, 0)
    with pytest.raises(UsageError, match="--fold 5: of 5 folds the last is 4"):
        Folds(5, 5, 0)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=50), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_balanced_epoch_has_every_class_and_every_image_equally_often(labels: list[int], seed: int) -> None:
    given_labels = torch.tensor(labels)
    order = balanced_order(given_labels, torch.Generator().manual_seed(seed))
    assert len(order) == len(labels)
    seen = torch.bincount(given_labels[order], minlength=5)[given_labels.unique()]
    assert int(seen.max() - seen.min()) <= 1
    for label in given_labels.unique():
        often = torch.bincount(order, minlength=len(labels))[given_labels == label]
        assert int(often.max() - often.min()) <= 1
    again = balanced_order(given_labels, torch.Generator().manual_seed(seed))
    assert torch.equal(order, again)
