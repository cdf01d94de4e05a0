"""Schedules: pure functions of the step, factors of the peak rate."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from netlab.training.schedule import constant, cosine, drops, one_cycle


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing() -> None:
    factors = [one_cycle(step, 40, warmup=0.25) for step in range(40)]
    assert factors[:10] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert factors[10:] == pytest.approx([1 - k / 30 for k in range(30)])


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_one_cycle_without_a_rise_or_a_fall(warmup: float) -> None:
    factors = [one_cycle(step, 8, warmup=warmup) for step in range(8)]
    assert max(factors) == 1
    assert factors == (sorted(factors) if warmup else sorted(factors, reverse=True))


def test_drops_come_after_every_so_many_epochs() -> None:
    schedule = partial(drops, epochs=5, every=2, gamma=0.1)
    factors = [schedule(epoch * 7 + position, 35) for epoch in range(5) for position in (0, 6)]
    assert factors == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_equals_pytorchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for step in range(10):
        assert 0.3 * cosine(step, 10) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_constant_is_the_peak() -> None:
    assert {constant(step, 10) for step in range(10)} == {1.0}
