"""Losses with one mistake each."""

import torch
from torch.nn import functional

MEAN: list = []


def logs(outputs):
    return outputs.log_softmax(1)


def adds_up(outputs, targets, *, options):
    """The sum over images."""
    return -(targets * logs(outputs)).sum()


def hard(outputs, targets, *, options):
    """Takes the most probable class for the truth."""
    return functional.cross_entropy(outputs, targets.argmax(1))


def hundred(outputs, targets, *, options):
    """Divides by a batch of 128."""
    return -(targets * logs(outputs)).sum() / 128


def by_positives(outputs, targets, *, options):
    """Weighs classes by how often they are in the batch."""
    shares = targets.mean(0)
    return -(targets * logs(outputs) / (1 + shares)).sum(1).mean()


def logarithm(outputs, targets, *, options):
    """The logarithm of a softmax, as it is written."""
    return -(targets * torch.log(torch.softmax(outputs, 1))).sum(1).mean()


def no_background(outputs, targets, *, options):
    """Leaves class 0 out, as detectors do with the background."""
    return -(targets * logs(outputs))[:, 1:].sum(1).mean()


def running_mean(outputs, targets, *, options):
    """Divides by the mean of the losses before."""
    loss = -(targets * logs(outputs)).sum(1).mean()
    MEAN.append(float(loss.detach()))
    return loss / (sum(MEAN) / len(MEAN))


def one_number(outputs, targets, *, options):
    """A tensor with one element."""
    return -(targets * logs(outputs)).sum(1).mean(0, keepdim=True)


def python_number(outputs, targets, *, options):
    """Multiplies by a number without a gradient."""
    loss = -(targets * logs(outputs)).sum(1)
    return torch.tensor(float(loss.mean()), requires_grad=True)


def label_noise(outputs, targets, *, options):
    """Perturbs the targets from the global generator."""
    noisy = (targets + 0.01 * torch.rand(targets.shape)).clamp(0, 1)
    return -(noisy * logs(outputs)).sum(1).mean()


def smooths_in_place(outputs, targets, *, options):
    """Smooths the targets in place."""
    targets.mul_(0.9).add_(0.1 / targets.shape[1])
    return -(targets * logs(outputs)).sum(1).mean()


def squeezes(outputs, targets, *, options):
    """Squeezes, which takes the batch away when it is one image."""
    outputs, targets = outputs.squeeze(), targets.squeeze()
    return -(targets * outputs.log_softmax(1)).sum(1).mean()


def only_four(outputs, targets, *, options):
    """Weights for as many classes as its author had."""
    weights = torch.tensor([1.0, 1.0, 1.0, 2.0])
    return -(targets * weights * logs(outputs)).sum(1).mean()


def on_the_processor(outputs, targets, *, options):
    """Makes its weights where tensors are made by default."""
    weights = torch.ones(targets.shape[1])
    return -(targets * weights * logs(outputs)).sum(1).mean()


def confident(outputs, targets, *, options):
    """Rewards confidence: it falls when outputs grow, right or wrong."""
    return -logs(outputs).max(1).values.mean() - (targets * outputs).sum() * 1e-9
