"""Optimizer, schedule and loss of a run, as the objects that the training takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from netlab.classification.assembly import Assembly
from netlab.engine.catalog import Part
from netlab.errors import UsageError
from netlab.kinds.optimizer import ParameterGroup
from netlab.training.optimization import Optimization
from netlab.training.schedule import Schedule


def optimization_of(assembly: Assembly) -> Optimization:
    """How the assembly's network is trained."""
    settings = assembly.settings
    return Optimization(
        epochs=settings.epochs,
        lr=settings.lr,
        optimizer=optimizer_of(assembly.parts["optimizer"]),
        schedule=schedule_of(assembly.parts["schedule"], settings.epochs, settings.head_epochs),
        seed=settings.seed,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
        compile=settings.compile,
        deterministic=settings.deterministic,
        trunk_rate=settings.trunk_rate,
        layer_rate=settings.layer_rate,
        callbacks=assembly.chains["callback"],
    )


def optimizer_of(part: Part) -> Callable[..., torch.optim.Optimizer]:
    """Makes the chosen optimizer of parameter groups, at a peak rate."""

    def make(groups: Sequence[ParameterGroup], *, lr: float) -> torch.optim.Optimizer:
        optimizer = part.component.build(groups, lr=lr, options=part.options)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise part.component.broke(f"gave {type(optimizer).__name__}, not a torch.optim.Optimizer")
        return optimizer

    return make


def schedule_of(part: Part, epochs: int, head_epochs: int = 0) -> Schedule:
    """The chosen schedule of a run of so many epochs, its factors checked.

    Epochs that train the head alone have the schedule for themselves; it begins anew for those that follow.
    """
    head_epochs = min(head_epochs, epochs)

    def factor(step: int, steps: int) -> float:
        alone = steps // epochs * head_epochs
        if step < alone:
            phase = (step, alone), head_epochs
        else:
            phase = (step - alone, steps - alone), epochs - head_epochs
        value = part.component.build(*phase[0], epochs=phase[1], options=part.options)
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise part.component.broke(
                f"gave {value!r} at step {step} of {steps}, expected a factor from 0 to 1"
            )
        return value

    return factor


def with_class_weights(assembly: Assembly, labels: Tensor, classes: int) -> Part:
    """The loss, with the weights of the classes that ``--class-weights balanced`` gives it.

    w_k = N / (K N_k) for the ``labels`` int64 (N,) of the training images, N_k of them of class k of K: their
    mean over the images is 1. Source: King and Zeng, Logistic Regression in Rare Events Data, 2001.

    Raises:
        UsageError: the loss has no option ``class_weights``, or was given weights too.
    """
    loss = assembly.parts["loss"]
    if assembly.settings.class_weights == "equal":
        return loss
    if loss.options is None or "class_weights" not in type(loss.options).model_fields:
        raise UsageError(f"{loss.component.title} takes no weights of classes (--class-weights balanced)")
    if getattr(loss.options, "class_weights", ()):
        raise UsageError("--class-weights balanced and --loss.class-weights: give one of them")
    weights = len(labels) / (classes * torch.bincount(labels.cpu(), minlength=classes).clamp(min=1))
    return replace(loss, options=loss.options.model_copy(update={"class_weights": tuple(weights.tolist())}))


def loss_of(part: Part) -> Callable[[Tensor, Tensor], Tensor]:
    """The chosen loss of logits (N, K) and class probabilities (N, K): a scalar, checked."""

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        value = part.component.build(outputs, targets, options=part.options)
        if not isinstance(value, Tensor) or value.shape != ():
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise part.component.broke(f"gave {shape}, not a scalar tensor")
        return value

    return loss
