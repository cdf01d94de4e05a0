"""The callbacks."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from netlab.kinds.callback import Training, TrainingCallback

from .options import EmaOptions, SamOptions


class Ema(TrainingCallback):
    """``mean = d mean + (1 - d) weights`` after each step t, d = min(decay, (1 + t) / (10 + t)); of batch
    norms' statistics too. The network is measured, and kept as the best, with the mean in place.

    Source: Polyak and Juditsky, 1992; the early decay as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, training: Training, *, options: EmaOptions) -> None:
        self.network, self.decay = training.network, options.decay
        self.mean = {name: value.clone() for name, value in self.learnt().items()}

    def learnt(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.network.state_dict().items() if value.is_floating_point()}

    def step_finished(self, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self.learnt().items():
            self.mean[name].lerp_(value, 1 - decay)

    @contextlib.contextmanager
    def evaluation(self) -> Iterator[None]:
        last = {name: value.clone() for name, value in self.learnt().items()}
        self.network.load_state_dict(self.mean, strict=False)
        yield
        self.network.load_state_dict(last, strict=False)

    def state(self) -> Mapping[str, Tensor]:
        return self.mean

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        for name, value in self.mean.items():
            value.copy_(state[name])


class Sam(TrainingCallback):
    """The gradients at ``w + rho g / |g|`` instead of those at w.

    Source: Foret et al., Sharpness-Aware Minimization, ICLR 2021, algorithm 1.
    """

    def __init__(self, training: Training, *, options: SamOptions) -> None:
        self.weights, self.rho = list(training.network.parameters()), options.rho

    @torch.no_grad()
    def gradients_ready(self, step: int, again: Callable[[], None]) -> None:
        pairs = [(weight, weight.grad) for weight in self.weights if weight.grad is not None]
        scale = self.rho / (torch.nn.utils.get_total_norm([gradient for _, gradient in pairs]) + 1e-12)
        before = [weight.clone() for weight, _ in pairs]
        for weight, gradient in pairs:
            weight.add_(gradient * scale)
        with torch.enable_grad():
            again()
        for (weight, _), value in zip(pairs, before, strict=True):
            weight.copy_(value)
