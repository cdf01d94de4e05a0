"""Schedules: pure functions of the step, factors of the peak rate."""

from __future__ import annotations

import pytest
import torch

from netlab.training.schedule import cosine


def test_cosine_equals_pytorchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for step in range(10):
        assert 0.3 * cosine(step, 10) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
