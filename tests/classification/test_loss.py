"""The loss of a classifier and a few of its steps, against the formulas in float64."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netlab.classification.assembly import Assembly, complete
from netlab.classification.optimization import optimization_of
from netlab.classification.task import ClassifierTask, Setup
from netlab.data.normalize import Normalization
from netlab.data.split import Splits
from netlab.engine.catalog import Catalog
from netlab.kinds.dataset import LabelledImages
from netlab.kinds.recipe import DataFacts
from netlab.training.loop import train

CLASSES, COUNT = 3, 12


def images() -> LabelledImages:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (COUNT, 1, 2, 2), generator=generator, dtype=torch.uint8)
    return LabelledImages(pixels, torch.arange(COUNT) % CLASSES)


def make_task(catalog: Catalog, network: nn.Module, **given: Any) -> tuple[ClassifierTask, Assembly]:
    """A task of twelve tiny images that are given as they are, all in one batch."""
    training = {"batch_size": COUNT, "precision": "fp32", **given.pop("training", {})}
    tables = {"augment": [], **given, "training": training}
    assembly = complete(catalog, tables, DataFacts(COUNT, (2, 2), CLASSES), frozenset())
    part = images()
    splits = Splits(part, part, part, torch.arange(COUNT), torch.arange(0))
    setup = Setup(
        network, splits, CLASSES, Normalization((0.5,), (0.5,)), assembly, torch.device("cpu"), "fp32"
    )
    return ClassifierTask(setup), assembly


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_labels_share_the_smoothing_among_all_classes(catalog: Catalog, smoothing: float) -> None:
    """The target is 1 - s on the label and s / K everywhere, the label too; the recorded loss has none."""
    task, _ = make_task(catalog, nn.Flatten(), loss={"label_smoothing": smoothing})
    logits = torch.randn(COUNT, CLASSES, generator=torch.Generator().manual_seed(1)) * 3
    labels = images().labels

    def network(batch: Tensor) -> Tensor:
        return logits

    found = task.loss(network, (images().images, nn.functional.one_hot(labels, CLASSES).float(), 0))
    targets = np.eye(CLASSES)[labels] * (1 - smoothing) + smoothing / CLASSES
    logs = log_softmax(logits.double().numpy())
    assert found.loss.item() == pytest.approx(-(targets * logs).sum() / COUNT, rel=1e-6)
    plain = -logs[np.arange(COUNT), labels].sum()
    assert found.figures["train_loss"].item() == pytest.approx(plain, rel=1e-6)
    assert found.figures["train_accuracy"].item() == (logs.argmax(axis=1) == labels.numpy()).sum()
    assert found.count == COUNT


@pytest.mark.parametrize("nesterov", [True, False])
def test_training_makes_the_steps_of_sgd(catalog: Catalog, nesterov: bool) -> None:
    """A dense layer, seven epochs of one step; gradient, clipping, decay, momentum and rate by hand.

    Decay is on the weight and not on the bias. The rate rises for two steps and falls for five, as in
    one-cycle with a warm-up of .25. (Sutskever et al., ICML 2013; PyTorch's form of Nesterov's momentum.)
    """
    torch.manual_seed(0)
    epochs, lr, momentum, decay, clip, smoothing = 7, 0.5, 0.8, 0.3, 0.05, 0.2
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES))
    start = copy.deepcopy(network[1])
    task, assembly = make_task(
        catalog, network,
        training={"epochs": epochs, "lr": lr, "weight_decay": decay, "clip": clip, "channels_last": False},
        optimizer={"momentum": momentum, "nesterov": nesterov},
        loss={"label_smoothing": smoothing},
        schedule={"name": "one-cycle", "warmup": 0.25},
    )  # fmt: skip
    trained = train(task, optimization_of(assembly))

    x = (images().images.double().numpy().reshape(COUNT, 4) / 255 - 0.5) / 0.5
    targets = np.eye(CLASSES)[images().labels] * (1 - smoothing) + smoothing / CLASSES
    weight, bias = (parameter.detach().double().numpy().copy() for parameter in (start.weight, start.bias))
    velocity = [np.zeros_like(weight), np.zeros_like(bias)]
    rates = [lr * factor for factor in (1 / 2, 1, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5)]
    for rate in rates:
        error = (np.exp(log_softmax(x @ weight.T + bias)) - targets) / COUNT
        gradients = [error.T @ x, error.sum(axis=0)]
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        assert norm > clip
        gradients = [gradient * clip / norm for gradient in gradients]
        gradients[0] = gradients[0] + decay * weight
        for k, gradient in enumerate(gradients):
            velocity[k] = momentum * velocity[k] + gradient
        moves = [g + momentum * v for g, v in zip(gradients, velocity, strict=True)] if nesterov else velocity
        weight, bias = weight - rate * moves[0], bias - rate * moves[1]
    np.testing.assert_allclose(network[1].weight.detach(), weight, atol=2e-6)
    np.testing.assert_allclose(network[1].bias.detach(), bias, atol=2e-6)
    assert [row["lr"] for row in trained.history] == pytest.approx(rates)
