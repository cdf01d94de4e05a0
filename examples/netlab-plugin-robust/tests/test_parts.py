"""What the parts compute."""

import numpy as np
import pytest
import torch
from netlab_robust.augmentation import resize_mix
from netlab_robust.loss import poly
from netlab_robust.metric import effective_rank
from netlab_robust.options import PolyOptions, ResizeMixOptions

from netlab.kinds.augmentation import Batch


def test_the_loss_is_cross_entropy_and_what_is_missing():
    outputs = torch.log(torch.tensor([[0.25, 0.75]]))
    targets = torch.tensor([[0.0, 1.0]])
    expected = -np.log(0.75) + 2 * 0.25
    assert float(poly(outputs, targets, options=PolyOptions(epsilon=2))) == pytest.approx(expected)
    plain = poly(outputs, targets, options=PolyOptions(epsilon=0))
    assert torch.allclose(plain, torch.nn.functional.cross_entropy(outputs, torch.tensor([1])))


def test_the_pasted_area_is_the_other_class_s_share():
    black, white = torch.zeros(1, 3, 20, 20), torch.full((1, 3, 20, 20), 255.0)
    batch = Batch(torch.cat([black, white]), torch.eye(2), slice(0, 2))
    options = ResizeMixOptions(smallest=0.5, largest=0.5)
    mixed = resize_mix(2, torch.Generator().manual_seed(0), options=options)(batch)
    assert torch.allclose(mixed.targets, torch.tensor([[0.75, 0.25], [0.25, 0.75]]))
    assert torch.allclose(mixed.images.mean((1, 2, 3)) / 255, torch.tensor([0.25, 0.75]))


class Space:
    def __init__(self, features):
        self.features = features

    def rows(self):
        return self.features


def test_the_rank_of_equal_axes_is_their_number():
    cross = np.concatenate([np.eye(4), -np.eye(4)])
    assert effective_rank(Space(cross), options=None).value == pytest.approx(4)
    assert effective_rank(Space(cross[:, :1]), options=None).value == pytest.approx(1)
