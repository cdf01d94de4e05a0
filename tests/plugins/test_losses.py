"""Losses against PyTorch's own and against the formula in float64."""

from __future__ import annotations

import pytest
import torch
from netlab_builtin.losses.cross_entropy import cross_entropy
from netlab_builtin.losses.focal import focal
from netlab_builtin.losses.options import CrossEntropyOptions, FocalOptions
from torch.nn import functional

N, K = 32, 5
GENERATOR = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(N, K, generator=GENERATOR) * 3
LABELS = torch.randint(K, (N,), generator=GENERATOR)
ONE_HOT = functional.one_hot(LABELS, K).float()
MIXED = torch.lerp(ONE_HOT, ONE_HOT.roll(1, 0), 0.3)
WEIGHTS = (0.5, 1.0, 2.0, 0.25, 3.0)


def test_cross_entropy_of_one_class_an_image_is_pytorchs_to_the_bit():
    options = CrossEntropyOptions(label_smoothing=0.1)
    expected = functional.cross_entropy(OUTPUTS, LABELS, label_smoothing=0.1)
    assert cross_entropy(OUTPUTS, ONE_HOT, options=options).item() == expected.item()


@pytest.mark.parametrize("targets", [ONE_HOT, MIXED])
@pytest.mark.parametrize("weights", [(), WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_is_the_formula(targets, weights, smoothing):
    options = CrossEntropyOptions(label_smoothing=smoothing, class_weights=weights)
    q = targets.double() * (1 - smoothing) + smoothing / K
    w = torch.tensor(weights or [1.0] * K, dtype=torch.float64)
    expected = -(w * q * OUTPUTS.double().log_softmax(1)).sum() / N
    assert cross_entropy(OUTPUTS, targets, options=options).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("targets", [ONE_HOT, MIXED])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_is_the_formula(targets, gamma):
    options = FocalOptions(gamma=gamma, class_weights=WEIGHTS)
    p = OUTPUTS.double().softmax(1)
    expected = -(torch.tensor(WEIGHTS).double() * targets.double() * (1 - p) ** gamma * p.log()).sum() / N
    assert focal(OUTPUTS, targets, options=options).item() == pytest.approx(expected.item(), rel=1e-5)


def test_focal_has_finite_gradients_where_an_image_is_certain():
    outputs = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    focal(outputs, torch.eye(2), options=FocalOptions(gamma=0.5)).backward()
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize(("loss", "options"), [(cross_entropy, CrossEntropyOptions), (focal, FocalOptions)])
def test_class_weights_that_do_not_fit_are_refused(loss, options):
    with pytest.raises(ValueError, match="class_weights has 2 values for 5 classes"):
        loss(OUTPUTS, ONE_HOT, options=options(class_weights=(1.0, 2.0)))
