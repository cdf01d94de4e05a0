"""Every setting of the optimization reaches what it is a setting of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netlab.classification.optimization import augmentation_of, optimization_of
from netlab.classification.settings import TrainingSettings
from netlab.data.augment import Augmentation


def rates(**values: object) -> list[float]:
    """The factor at each of 12 steps, in 6 epochs."""
    schedule = optimization_of(TrainingSettings.model_validate({"epochs": 6, **values})).schedule
    return [schedule(step, 12) for step in range(12)]


def test_the_schedule_is_the_one_that_is_named() -> None:
    assert rates(schedule="constant") == [1.0] * 12
    drops = rates(schedule="step", step_size=2, gamma=0.5)
    assert drops == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for factor in rates(schedule="cosine"):
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    rise, fall = rates(schedule="one-cycle", warmup=0.5)[:6], rates(schedule="one-cycle", warmup=0.5)[6:]
    assert rise == pytest.approx([k / 6 for k in range(1, 7)])
    assert fall == pytest.approx([1 - k / 6 for k in range(6)])
    assert rates(schedule="one-cycle", warmup=11 / 12)[-2:] == [1.0, 1.0]  # a fall of a single step


@pytest.mark.parametrize("on", [True, False])
def test_switches_and_augmentations_arrive(on: bool) -> None:
    settings = TrainingSettings(
        compile=on, deterministic=on, hflip=on, vflip=not on, translation=3 * on, rotation=7.0 * on
    )
    optimization = optimization_of(settings)
    assert (optimization.compile, optimization.deterministic) == (on, on)
    assert augmentation_of(settings) == Augmentation(on, not on, 3 * on, 7.0 * on)


def test_nesterov_needs_a_momentum_and_is_off_without_one() -> None:
    """PyTorch refuses Nesterov's step without a momentum."""
    optimizer = optimization_of(TrainingSettings(momentum=0.0, nesterov=True)).make_optimizer(nn.Linear(1, 1))
    assert not optimizer.defaults["nesterov"]
