"""The training of a detector: its head learns classes and boxes from features of regions, made before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.detection.model.head import DetectionHead, HeadOutput
from netlab.detection.proposals.labels import BACKGROUND
from netlab.detection.training.regions import RegionSet
from netlab.detection.training.sampling import (
    class_weights,
    mine_hard_negatives,
    sample_steps,
    steps_per_epoch,
)
from netlab.detection.training.settings import DetectionSettings
from netlab.errors import UsageError
from netlab.training.checkpoint import Progress
from netlab.training.optimization import Optimization
from netlab.training.schedule import cosine
from netlab.training.task import StepLoss

COLUMNS = ("epoch", "train_loss", "train_box_loss", "val_ap50", "hard_negatives", "lr", "seconds")
STANDARDIZED_FROM = 20_000  # regions
FETCHED_STEPS = 8  # steps whose features are fetched at a time: few enough to stay in the cache


@dataclass(frozen=True, slots=True)
class RegionBatch:
    """The numbers int64 (B,) of regions of the set, and their features float32 (B, D)."""

    numbers: NDArray[np.int64]
    features: Tensor


class HeadTask:
    """A detection head that learns from regions.

    An epoch shows every positive region once, with ``background_ratio`` background regions each. After
    ``mine_after`` epochs the background regions of any overlap that look like a class are mined once, and
    from then on make up half of the background shown. ``hard`` int64 (H,) are the numbers of those regions.
    The last weights are those that count.
    """

    columns = COLUMNS
    unit = "regions"

    def __init__(
        self,
        regions: RegionSet,
        head: DetectionHead,
        settings: DetectionSettings,
        *,
        average_precision: Callable[[DetectionHead], float] = lambda head: float("nan"),
    ) -> None:
        """``average_precision`` measures the head on the validation images after each epoch.

        Raises:
            UsageError: no region is positive, or none is background.
        """
        self.network = head
        self._regions, self._settings = regions, settings
        self._class_weights = class_weights(regions.labels, head.classes, settings)
        self._average_precision = average_precision
        self._positive = np.flatnonzero(regions.labels > BACKGROUND)
        self._background = np.flatnonzero(regions.labels == BACKGROUND)
        if len(self._positive) == 0:
            raise UsageError("no region is positive: the training images have no objects of these classes")
        if len(self._background) == 0:
            raise UsageError(
                "no region is background: the proposer gave none that overlap an object by"
                f" {settings.background_iou:g} to {settings.positive_iou:g} (try a lower --background-iou)"
            )
        self.batch_size = settings.batch_size
        self.steps_per_epoch = steps_per_epoch(len(self._positive), settings)
        self.hard: NDArray[np.int64] = np.empty(0, np.int64)
        rng = np.random.default_rng(settings.seed)
        sample = rng.permutation(np.concatenate([self._positive, self._background]))[:STANDARDIZED_FROM]
        head.fit_standardization(regions.fetch(np.sort(sample)))

    def batches(self, epoch: int) -> Iterator[RegionBatch]:
        settings = self._settings
        if settings.hard_negatives and epoch == settings.mine_after + 1:
            most = len(self._background) + len(self._positive)
            self.hard = mine_hard_negatives(self._regions, self.network, most=most)
        rng = np.random.default_rng([settings.seed, epoch])
        return self._fetched(sample_steps(self._positive, self._background, self.hard, settings, rng))

    def _fetched(self, steps: list[NDArray[np.int64]]) -> Iterator[RegionBatch]:
        for first in range(0, len(steps), FETCHED_STEPS):
            chunk = steps[first : first + FETCHED_STEPS]
            features = self._regions.fetch(np.concatenate(chunk))
            yield from map(RegionBatch, chunk, features.split([len(numbers) for numbers in chunk]))

    def loss(self, network: Callable[[Tensor], HeadOutput], batch: RegionBatch) -> StepLoss:
        """Cross-entropy over K + 1 classes, plus half the mean squared error of the regression of regions
        close to an object, plus cross-entropy of the predicted IoU, plus ``decay`` times the sum of squared
        weights of classes and regression."""
        logits, deltas, fit = network(batch.features)
        labels = torch.from_numpy(self._regions.labels[batch.numbers]).clamp(min=BACKGROUND)
        loss = nn.functional.cross_entropy(logits, labels, weight=self._class_weights)
        box_loss = _box_loss(deltas, self._regions, batch.numbers)
        total = (
            loss
            + box_loss
            + _fit_loss(fit, self._regions, batch.numbers)
            + self._settings.decay * _squared_weights(self.network)
        )
        return StepLoss(total, {"train_loss": loss, "train_box_loss": box_loss}, 1)

    def measure(self, epoch: int, seconds: float) -> dict[str, float]:
        """AP at IoU .5 on the validation images, and how many hard negatives were shown."""
        return {"val_ap50": self._average_precision(self.network), "hard_negatives": len(self.hard)}

    def score(self, row: Mapping[str, float]) -> None:
        """None: a detector keeps its last weights, for validation images are few, and perhaps none."""
        return

    def is_over(self, progress: Progress) -> bool:
        return False

    def state(self) -> dict[str, Tensor]:
        """The hard negatives, which are mined once."""
        return {"hard_negatives": torch.from_numpy(self.hard)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        hard = state["hard_negatives"].numpy()
        if len(hard) and hard.max() >= len(self._regions):
            raise ValueError(f"its hard negatives are not of these {len(self._regions)} regions")
        self.hard = hard


def optimization_of(settings: DetectionSettings) -> Optimization:
    """Adam, its rate falling to 0 along a cosine. The loss itself holds the weight decay."""
    return Optimization(
        epochs=settings.epochs,
        lr=settings.lr,
        optimizer=partial(torch.optim.Adam, betas=(0.9, 0.99)),
        schedule=cosine,
        seed=settings.seed,
    )


def _box_loss(deltas: Tensor, regions: RegionSet, numbers: NDArray[np.int64]) -> Tensor:
    """Half the mean squared error of the deltas of each close region's class; 0 without one."""
    classes = torch.from_numpy(regions.regressed[numbers])
    close = classes.nonzero()[:, 0]
    if len(close) == 0:
        return deltas.sum() * 0.0
    predicted = deltas[close, classes[close] - 1]
    return 0.5 * nn.functional.mse_loss(predicted, torch.from_numpy(regions.targets[numbers])[close])


def _fit_loss(fit: Tensor | None, regions: RegionSet, numbers: NDArray[np.int64]) -> Tensor | float:
    """Cross-entropy between the IoU of each region and what is predicted of it."""
    if fit is None:
        return 0.0
    return nn.functional.binary_cross_entropy_with_logits(fit, torch.from_numpy(regions.iou[numbers]))


def _squared_weights(head: DetectionHead) -> Tensor:
    return torch.stack(
        [
            weight.square().sum()
            for name, weight in head.named_parameters()
            if "weight" in name and not name.startswith("fit.")
        ]
    ).sum()
