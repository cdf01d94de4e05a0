"""Scikit-learn's digits."""

from __future__ import annotations

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from netlab.kinds.dataset import ImageData, LabelledImages
from netlab_builtin.datasets.options import DigitsOptions

TEST_SHARE = 0.2
GREY_LEVELS = 16  # the scans have grey values 0 to 16


def digits(*, root: Path, offline: bool, options: DigitsOptions) -> ImageData:
    """1,797 grey images of handwritten digits, 1,437 for training and 360 for testing.

    Enlarged bilinearly from 8x8 to ``size``. The split is stratified and always the same.
    """
    scans = load_digits()
    grey = torch.from_numpy(scans.images).float().mul(255 / GREY_LEVELS)[:, None]
    enlarged = torch.nn.functional.interpolate(
        grey, size=(options.size, options.size), mode="bilinear", align_corners=False
    )
    images = enlarged.round().clamp(0, 255).to(torch.uint8)
    labels = torch.from_numpy(scans.target).long()
    train, test = train_test_split(
        torch.arange(len(labels)).numpy(), test_size=TEST_SHARE, stratify=scans.target, random_state=0
    )
    return ImageData(
        train=LabelledImages(images[train], labels[train]),
        test=LabelledImages(images[test], labels[test]),
        class_names=tuple(str(name) for name in scans.target_names),
        augmentations=frozenset({"translation", "rotation"}),
    )
