"""Loss and accuracy of a network on labelled images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netlab.classification.class_figures import ClassFigures
from netlab.data.views import ONE_VIEW, Views
from netlab.training.ranks import ALONE, Ranks


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy (natural logarithm), accuracy in [0, 1], and the confusion matrix: int64
    (classes, classes), rows true, columns predicted. ``single_accuracy`` is that of the images alone, where
    the others are of the mean of several views."""

    loss: float
    accuracy: float
    confusion: Tensor
    single_accuracy: float

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that occur, in [0, 1]."""
        return ClassFigures(self.confusion.numpy()).balanced_accuracy


def evaluate(
    network: nn.Module,
    batches: Iterator[tuple[Sequence[Tensor], Tensor]],
    *,
    classes: int,
    precision: str,
    views: Views = ONE_VIEW,
    first: int = 0,
    ranks: Ranks = ALONE,
) -> Evaluation:
    """Run the network in evaluation mode over all batches; those of all ``ranks`` are counted together.

    A batch is the same images in each of the ``views``, whose logits are averaged, and the labels. With
    ``first``, the images are outputs of the layers before this one, of a ``PretrainedNetwork``.
    The loss is nan where a logit is not finite.
    """
    more = {"first": first} if first else {}
    was_training = network.training
    network.eval()
    loss_sum, right, count = 0.0, 0, 0
    confusion = torch.zeros(classes * classes, dtype=torch.int64)
    with torch.no_grad():
        for seen, labels in batches:
            with torch.autocast(labels.device.type, torch.bfloat16, enabled=precision == "bf16"):
                single = [network(inputs, **more).float() for inputs in seen]
            logits = views.mean(single)
            if not logits.isfinite().all():
                loss_sum = math.nan  # a loss can be finite where a logit is not; whoever asks refuses it
            loss_sum += float(nn.functional.cross_entropy(logits, labels, reduction="sum"))
            predicted = logits.argmax(1)
            confusion += torch.bincount((labels * classes + predicted).cpu(), minlength=classes * classes)
            right += int((single[0].argmax(1) == labels).sum())
            count += len(labels)
    network.train(was_training)
    loss_sum, right, count = ranks.sum(torch.tensor([loss_sum, right, count], dtype=torch.float64)).tolist()
    confusion = ranks.sum(confusion).view(classes, classes)
    return Evaluation(loss_sum / count, int(confusion.diagonal().sum()) / count, confusion, right / count)
