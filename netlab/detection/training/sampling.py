"""Which regions an epoch shows: positives once, with background, half of it hard once that is known."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.detection.model.head import DetectionHead
from netlab.detection.proposals.labels import BACKGROUND
from netlab.detection.training.regions import RegionSet
from netlab.detection.training.settings import DetectionSettings

HARDEST_SHARE = 0.1  # probability of a class from which background counts as hard


def steps_per_epoch(positives: int, settings: DetectionSettings) -> int:
    """How many steps show every positive region once."""
    return math.ceil(positives / positives_per_step(settings))


def positives_per_step(settings: DetectionSettings) -> int:
    """The positive regions of a full step."""
    return max(settings.batch_size // (1 + settings.background_ratio), 1)


def sample_steps(
    positive: NDArray[np.int64],
    background: NDArray[np.int64],
    hard: NDArray[np.int64],
    settings: DetectionSettings,
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """The regions of every step of an epoch: a share of positives, the rest background, half of it hard."""
    steps = steps_per_epoch(len(positive), settings)
    shown = np.array_split(rng.permutation(positive), steps)
    wanted = steps * positives_per_step(settings) * settings.background_ratio
    from_hard = wanted // 2 if len(hard) else 0
    others = np.concatenate([_cycle(hard, from_hard, rng), _cycle(background, wanted - from_hard, rng)])
    return [
        np.concatenate(pair)
        for pair in zip(shown, np.array_split(rng.permutation(others), steps), strict=True)
    ]


def _cycle(numbers: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``count`` of ``numbers`` in random order; all of them before any comes again."""
    rounds = [rng.permutation(numbers) for _ in range(math.ceil(count / max(len(numbers), 1)))]
    return np.concatenate([np.empty(0, np.int64), *rounds])[:count]


def mine_hard_negatives(regions: RegionSet, head: DetectionHead, *, most: int) -> NDArray[np.int64]:
    """Background regions that the head takes for some class with probability .1 or more, at most ``most``."""
    head.eval()
    numbers, chances = [], []
    with torch.inference_mode():
        for block in regions.blocks():
            candidates = block[regions.candidates[block]]
            chance = 1.0 - head(regions.fetch(candidates)).logits.softmax(1)[:, BACKGROUND].numpy()
            hard = chance >= HARDEST_SHARE
            numbers.append(candidates[hard])
            chances.append(chance[hard])
    found, chance = np.concatenate(numbers), np.concatenate(chances)
    return np.sort(found[np.argsort(-chance, kind="stable")[:most]])


def class_weights(labels: NDArray[np.int64], classes: int, settings: DetectionSettings) -> Tensor | None:
    """The weights float32 (K + 1,) of background and ``classes`` classes in the loss; None: all alike."""
    return inverse_frequency_weights(labels, classes) if settings.class_weights == "inverse" else None


def inverse_frequency_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Float32 (K + 1,), background first: regions / ((K + 1) x regions of the class)."""
    counts = np.bincount(labels[labels >= BACKGROUND], minlength=classes + 1)
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    return torch.from_numpy(weights.astype(np.float32))
