"""The learning rate as a function of the step."""

from __future__ import annotations

import math

from netlab.training.settings import TrainingSettings


def learning_rate(settings: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """The rate of step ``step`` (from 0) of a run of ``settings.epochs`` epochs.

    one-cycle: linear from 0 to the peak over the warm-up's share of the steps, then linear to 0.
    cosine: half a cosine from the peak to 0. step: ``lr * gamma ** (epoch // step_size)``, epochs from 0.
    """
    total = settings.epochs * steps_per_epoch
    if settings.schedule == "one-cycle":
        peak = max(round(settings.warmup * total), 1)
        if step < peak:
            return settings.lr * (step + 1) / peak
        return settings.lr * (total - step) / max(total - peak, 1)
    if settings.schedule == "cosine":
        return settings.lr * (1 + math.cos(math.pi * step / total)) / 2
    if settings.schedule == "step":
        return settings.lr * settings.gamma ** (step // steps_per_epoch // settings.step_size)
    return settings.lr
