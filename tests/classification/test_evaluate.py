"""Evaluation agrees with scikit-learn's measures."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from torch import nn

from netlab.classification.evaluate import evaluate
from netlab.data.views import Views


def test_loss_accuracy_and_confusion_are_scikit_learns() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.Dropout(0.9)).train()
    images, labels = torch.randn(37, 3, 2, 2), torch.randint(0, 4, (37,))
    batches = iter([([images[:20]], labels[:20]), ([images[20:]], labels[20:])])
    found = evaluate(network, batches, classes=4, precision="fp32")
    assert network.training  # as it was before; dropout was off in between
    probabilities = network.eval()(images).softmax(1).detach().double().numpy()
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    assert found.accuracy == accuracy_score(labels, predicted)
    assert np.isclose(found.loss, log_loss(labels, probabilities, labels=range(4)))
    assert np.array_equal(found.confusion.numpy(), confusion_matrix(labels, predicted, labels=range(4)))


def test_several_views_are_averaged_and_the_accuracy_of_the_first_is_told_beside() -> None:
    torch.manual_seed(0)
    network, views = nn.Sequential(nn.Flatten(), nn.Linear(75, 4)), Views(mirror=True, shift=1)
    images, labels = torch.randn(40, 3, 5, 5), torch.randint(0, 4, (40,))
    seen = [view(images) for view in views]
    found = evaluate(network, iter([(seen, labels)]), classes=4, precision="fp32", views=views)
    logits = [network(image).detach().numpy() for image in seen]
    mean = (logits[0] + logits[1]) / 4 + sum(logits[2:]) / 8
    assert found.accuracy == accuracy_score(labels, mean.argmax(1))
    assert found.single_accuracy == accuracy_score(labels, logits[0].argmax(1))
    assert found.accuracy != found.single_accuracy
