"""Schedules with one mistake each."""

import functools
import math
import random

SEEN: list = []


def one_step_short(step, steps, *, epochs, options):
    """Divides by the last step, which is 0 in a run of one step."""
    return 0.5 * (1 + math.cos(math.pi * step / (steps - 1)))


def below_zero(step, steps, *, epochs, options):
    """A line that ends below 0."""
    return 1 - 1.05 * step / steps


def percent(step, steps, *, epochs, options):
    """In percent."""
    return 100 * (1 - step / steps)


def jitter(step, steps, *, epochs, options):
    """A little noise."""
    return (1 - step / steps) * (1 - 0.01 * random.random())


def own_count(step, steps, *, epochs, options):
    """Notes the steps it was asked for, and goes by their number."""
    SEEN.append(step)
    return 1 - (len(SEEN) - 1) % steps / steps


def from_epochs(step, steps, *, epochs, options):
    """Takes steps for epochs: nothing is left after the first ones."""
    return max(0.0, 1 - step / epochs)


def never_there(step, steps, *, epochs, options):
    """Always a tenth."""
    return 0.1


def infinite_root(step, steps, *, epochs, options):
    """1 / sqrt(step), also at 0."""
    return min(1.0, math.inf if step == 0 else 1 / math.sqrt(step)) if step else math.inf


@functools.cache
def _factors(epochs):
    return {}


def remembers_first_run(step, steps, *, epochs, options):
    """Keeps the factors of the first run of as many epochs."""
    return _factors(epochs).setdefault(step, 1 - step / steps)


def warm_only(step, steps, *, epochs, options):
    """Fails where the warm-up is as long as the run."""
    warm = int(options.warmup * steps)
    return step / warm if step < warm else 1 - (step - warm) / (steps - warm) if warm < steps else 1 / 0


def as_text(step, steps, *, epochs, options):
    """A text."""
    return f"{1 - step / steps:.3f}"
