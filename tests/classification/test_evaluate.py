"""Evaluation agrees with scikit-learn's measures."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from torch import nn

from netlab.classification.evaluate import evaluate


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
