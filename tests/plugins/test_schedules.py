"""Schedules against the formulas and PyTorch's schedulers."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from netlab_builtin.schedules.options import OneCycleOptions, StepOptions, WarmupOptions
from netlab_builtin.schedules.schedules import constant, cosine, linear, one_cycle, step_down

STEPS, EPOCHS = 120, 12
PLAIN = WarmupOptions()


def torch_factors(make):
    """The factors of one of PyTorch's schedulers over the steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for _ in range(STEPS):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


def test_cosine_is_that_of_pytorch():
    expected = torch_factors(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS))
    assert [cosine(s, STEPS, epochs=EPOCHS, options=PLAIN) for s in range(STEPS)] == pytest.approx(expected)


def test_linear_is_that_of_pytorch():
    expected = torch_factors(lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, STEPS))
    assert [linear(s, STEPS, epochs=EPOCHS, options=PLAIN) for s in range(STEPS)] == pytest.approx(expected)


def test_step_is_that_of_pytorch_counted_in_epochs():
    expected = torch_factors(lambda o: torch.optim.lr_scheduler.StepLR(o, 5 * STEPS // EPOCHS, 0.5))
    options = StepOptions(every=5, gamma=0.5)
    assert [step_down(s, STEPS, epochs=EPOCHS, options=options) for s in range(STEPS)] == expected


def test_one_cycle_rises_to_the_peak_and_falls_to_one_step_above_nothing():
    factors = [one_cycle(s, STEPS, epochs=EPOCHS, options=OneCycleOptions(warmup=0.25)) for s in range(STEPS)]
    assert factors[0] == 1 / 30
    assert factors[29] == factors[30] == 1
    assert factors[-1] == 1 / 90
    rises = [b - a for a, b in itertools.pairwise(factors[:30])]
    falls = [a - b for a, b in itertools.pairwise(factors[30:])]
    assert rises == pytest.approx([1 / 30] * 29)
    assert falls == pytest.approx([1 / 90] * 89)


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_one_cycle_can_be_all_fall_or_all_rise(warmup):
    factors = [one_cycle(s, STEPS, epochs=1, options=OneCycleOptions(warmup=warmup)) for s in range(STEPS)]
    assert max(factors) == 1
    assert factors.index(1) == (0 if warmup == 0 else STEPS - 1)


@pytest.mark.parametrize("schedule", [cosine, linear, constant])
def test_a_warm_up_rises_to_the_peak_first(schedule):
    factors = [schedule(s, STEPS, epochs=EPOCHS, options=WarmupOptions(warmup=0.1)) for s in range(STEPS)]
    assert factors[:12] == pytest.approx([(s + 1) / 12 for s in range(12)])
    assert factors[12] == 1
    assert all(math.isfinite(f) and 0 <= f <= 1 for f in factors)
