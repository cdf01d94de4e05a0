"""The detection head: K + 1 logits and a box regression for each of K classes, linear or with a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DetectionHead(nn.Module):
    """Features (N, D) to logits (N, K + 1), background first, and box deltas (N, K, 4).

    Features are standardized with ``mean`` and ``scale``, set once from the training regions by
    ``fit_standardization``. ``hidden`` > 0 puts a layer of that many ReLU units in front of the logits;
    the regression stays linear.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dimension: int, classes: int, *, hidden: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.classes, self.hidden, self.dropout = classes, hidden, dropout
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("scale", torch.ones(dimension))
        if hidden:
            self.body: nn.Module = nn.Sequential(
                nn.Dropout(dropout), nn.Linear(dimension, hidden), nn.ReLU(), nn.Dropout(dropout)
            )
        else:
            self.body = nn.Identity()
        self.classify = nn.Linear(hidden or dimension, classes + 1)
        self.regress = nn.Linear(dimension, 4 * classes)
        self.initialize()

    def initialize(self) -> None:
        """Start from zero, which is as good as any start where the loss is convex; only a hidden layer
        is drawn from torch's generator."""
        for layer in (self.classify, self.regress):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        if self.hidden:
            for module in self.body.modules():
                if isinstance(module, nn.Linear):
                    module.reset_parameters()
            nn.init.normal_(self.classify.weight, std=0.01)

    @torch.no_grad()
    def fit_standardization(self, features: Tensor) -> None:
        """Take mean and standard deviation of every feature from ``features`` (N, D).

        A feature that hardly varies is not blown up: its deviation counts as at least a hundredth of
        the mean deviation.
        """
        deviation = features.std(0, unbiased=False)
        self.mean.copy_(features.mean(0))
        self.scale.copy_(deviation.clamp(min=max(0.01 * float(deviation.mean()), 1e-6)))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        x = (features - self.mean) / self.scale
        deltas = self.regress(x).view(-1, self.classes, 4)
        return self.classify(self.body(x)), deltas
