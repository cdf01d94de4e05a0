"""The detection head: what a region shows, how its box is to be moved, and how well it fits an object."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class HeadOutput(NamedTuple):
    """Of N regions: ``logits`` (N, K + 1), background first; ``deltas`` (N, K, 4) of the box; ``fit`` (N,),
    the logit of the IoU with the best object, or None from a head that does not predict it."""

    logits: Tensor
    deltas: Tensor
    fit: Tensor | None


class DetectionHead(nn.Module):
    """Features (N, D) to the classes, deltas and fit of N regions.

    Features are standardized with ``mean`` and ``scale``, set once from the training regions by
    ``fit_standardization``. ``hidden`` > 0 puts a layer of that many ReLU units in front of the logits;
    the regression stays linear. ``fit`` > 0 adds the prediction of the IoU, through as many ReLU units: the
    class says what is there, and not how well the box holds it (Jiang et al., Acquisition of Localization
    Confidence, ECCV 2018).
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, dimension: int, classes: int, *, hidden: int = 0, dropout: float = 0.0, fit: int = 0
    ) -> None:
        super().__init__()
        self.classes, self.hidden = classes, hidden
        self.shape = {"hidden": hidden, "dropout": dropout, "fit": fit}
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
        self.fit = nn.Sequential(nn.Linear(dimension, fit), nn.ReLU(), nn.Linear(fit, 1)) if fit else None
        self.initialize()

    def initialize(self) -> None:
        """Start from zero, which is as good as any start where the loss is convex; only layers before others
        are drawn from torch's generator."""
        for layer in (self.classify, self.regress):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        if self.hidden:
            for module in self.body.modules():
                if isinstance(module, nn.Linear):
                    module.reset_parameters()
            nn.init.normal_(self.classify.weight, std=0.01)
        if self.fit is not None:
            for module in self.fit:
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=module.in_features**-0.5)
                    nn.init.zeros_(module.bias)

    @torch.no_grad()
    def fit_standardization(self, features: Tensor) -> None:
        """Take mean and standard deviation of every feature from ``features`` (N, D).

        A feature that hardly varies is not blown up: its deviation counts as at least a hundredth of
        the mean deviation.
        """
        deviation = features.std(0, unbiased=False)
        self.mean.copy_(features.mean(0))
        self.scale.copy_(deviation.clamp(min=max(0.01 * float(deviation.mean()), 1e-6)))

    def forward(self, features: Tensor) -> HeadOutput:
        x = (features - self.mean) / self.scale
        deltas = self.regress(x).view(-1, self.classes, 4)
        fit = self.fit(x)[:, 0] if self.fit is not None else None
        return HeadOutput(self.classify(self.body(x)), deltas, fit)
