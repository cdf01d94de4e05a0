"""What the settings say of optimizer, schedule and augmentation, as the objects that the training takes."""

from __future__ import annotations

from functools import partial

import torch

from netlab.classification.settings import TrainingSettings
from netlab.data.augment import Augmentation
from netlab.training.optimization import Optimization
from netlab.training.schedule import Schedule, constant, cosine, drops, one_cycle


def optimization_of(settings: TrainingSettings) -> Optimization:
    """SGD and the schedule that the settings name."""
    optimizer = partial(
        torch.optim.SGD,
        momentum=settings.momentum,
        nesterov=settings.nesterov and settings.momentum > 0,
    )
    return Optimization(
        epochs=settings.epochs,
        lr=settings.lr,
        optimizer=optimizer,
        schedule=schedule_of(settings),
        seed=settings.seed,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
        compile=settings.compile,
        deterministic=settings.deterministic,
    )


def schedule_of(settings: TrainingSettings) -> Schedule:
    """The schedule that the settings name."""
    schedules: dict[str, Schedule] = {
        "one-cycle": partial(one_cycle, warmup=settings.warmup),
        "cosine": cosine,
        "step": partial(drops, epochs=settings.epochs, every=settings.step_size, gamma=settings.gamma),
        "constant": constant,
    }
    return schedules[settings.schedule]


def augmentation_of(settings: TrainingSettings) -> Augmentation:
    """The augmentation that the settings ask for."""
    return Augmentation(
        horizontal_flip=settings.hflip,
        vertical_flip=settings.vflip,
        translation=settings.translation,
        rotation=settings.rotation,
    )
