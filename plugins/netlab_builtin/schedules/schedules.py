"""Schedules: pure functions of the step. They need no PyTorch."""

from __future__ import annotations

import math

from netlab_builtin.schedules.options import OneCycleOptions, StepOptions, WarmupOptions


def one_cycle(step: int, steps: int, *, epochs: int, options: OneCycleOptions) -> float:
    """``(step + 1) / peak`` before the peak, then ``(steps - step) / (steps - peak)``, with
    ``peak = max(1, round(warmup steps))``.

    Source: Smith and Topin 2018, the rate alone, without a cycle of the momentum.
    """
    peak = max(round(options.warmup * steps), 1)
    if step < peak:
        return (step + 1) / peak
    return (steps - step) / max(steps - peak, 1)


def cosine(step: int, steps: int, *, epochs: int, options: WarmupOptions) -> float:
    """``(1 + cos(pi t)) / 2``, with ``t`` from 0 to 1 over the steps after the warm-up.

    Source: Loshchilov and Hutter 2017, equation 5, without restarts.
    """
    return warmed_up(step, steps, options, lambda t: (1 + math.cos(math.pi * t)) / 2)


def linear(step: int, steps: int, *, epochs: int, options: WarmupOptions) -> float:
    """``1 - t``, with ``t`` from 0 to 1 over the steps after the warm-up."""
    return warmed_up(step, steps, options, lambda t: 1 - t)


def constant(step: int, steps: int, *, epochs: int, options: WarmupOptions) -> float:
    """1, after the warm-up."""
    return warmed_up(step, steps, options, lambda t: 1.0)


def step_down(step: int, steps: int, *, epochs: int, options: StepOptions) -> float:
    """``gamma ** (epoch // every)``, epochs counted from 0."""
    epoch = step // max(steps // epochs, 1)
    return float(options.gamma ** (epoch // options.every))


def warmed_up(step: int, steps: int, options: WarmupOptions, fall: object) -> float:
    """``(step + 1) / warm`` in the first ``warm = round(warmup steps)`` steps, then ``fall(t)``."""
    warm = round(options.warmup * steps)
    if step < warm:
        return (step + 1) / warm
    assert callable(fall)
    return float(fall((step - warm) / max(steps - warm, 1)))
