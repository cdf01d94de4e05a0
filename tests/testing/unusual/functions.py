"""Optimizers, schedules, losses, augmentations, recipes, metrics, proposers and others, right in an unusual way."""

from dataclasses import replace

import numpy as np
import torch

from netlab.kinds.callback import TrainingCallback
from netlab.kinds.dataset import ImageData, LabelledImages
from netlab.kinds.metric import MetricResult
from netlab.kinds.proposer import Proposals


class Lion(torch.optim.Optimizer):
    """The sign of a moving average."""

    def __init__(self, groups):
        super().__init__(groups, {"weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                moment = self.state[parameter].setdefault("moment", torch.zeros_like(parameter))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.sub_((0.9 * moment + 0.1 * parameter.grad).sign(), alpha=group["lr"])
                moment.lerp_(parameter.grad, 0.01)


def own_rates(groups, *, lr, options):
    """A fixed rate of their own for biases and norms."""
    return Lion([{**group, "lr": 1e-3 if group["name"] == "rest" else lr} for group in groups])


def restarts(step, steps, *, epochs, options):
    """Three cosines, one after the other, as a NumPy number."""
    return np.float64((1 + np.cos(np.pi * (3 * step / steps % 1))) / 2)


def always(step, steps, *, epochs, options):
    """The whole number 1."""
    return 1


def bootstrapped(outputs, targets, *, options):
    """A fifth of each target is what the network believes, taken as given."""
    believed = outputs.softmax(1).detach()
    return -((0.8 * targets + 0.2 * believed) * outputs.log_softmax(1)).sum(1).mean()


def in_order(outputs, targets, *, options):
    """Classes in order: squares of the differences of the cumulated probabilities, and a little cross-entropy."""
    apart = (outputs.softmax(1).cumsum(1) - targets.cumsum(1)).square().sum(1)
    return (apart - 0.1 * (targets * outputs.log_softmax(1)).sum(1)).mean()


def rarely(count, generator, *, options):
    """Inverts one image of a hundred."""
    chosen = torch.rand(count, generator=generator) < 0.03

    def change(batch):
        inverted = chosen[batch.places, None, None, None].to(batch.images.device)
        return replace(batch, images=torch.where(inverted, 255 - batch.images, batch.images))

    return change


def smooths(count, generator, *, options):
    """Mixes every target with all classes, and the image with grey, as much as it draws."""
    shares = 0.2 * torch.rand(count, generator=generator)

    def change(batch):
        share = shares[batch.places].to(batch.images.device)
        images = torch.lerp(batch.images, torch.full_like(batch.images, 100.0), share[:, None, None, None])
        even = torch.full_like(batch.targets, 1 / batch.targets.shape[1])
        return replace(batch, images=images, targets=torch.lerp(batch.targets, even, share[:, None]))

    return change


def nothing(facts, *, options):
    """Fills in nothing."""
    return {}


def overlapping_spheres(space, *, options):
    """Spread within a class over the least distance of class means; lower is better, a length over a length.

    Raises:
        ValueError: there are fewer than two classes with two points, or their means are equal.
    """
    kept = np.flatnonzero(space.counts > 1)
    if len(kept) < 2:
        raise ValueError("fewer than two classes have two points")
    means = space.class_means.values[kept]
    gaps = np.sqrt(np.square(means[:, None] - means).sum(2))[~np.eye(len(kept), dtype=bool)]
    if gaps.min() <= 1e-9 * (1 + np.abs(means).max()):
        raise ValueError("two class means are equal")
    spread = np.sqrt(space.class_means.squared_distances[np.arange(space.n), space.codes]).mean()
    return MetricResult(float(spread / gaps.min()), notes=("only classes of two points or more",))


def spread(space, *, options):
    """The mean length of the centred features; neither way is better."""
    rows = space.rows()
    length = np.sqrt(np.square(rows - rows.mean(0)).sum(1)).mean()
    return MetricResult(float(np.ldexp(length, -space.exponent)))


def random_windows(image, *, limit, seed, options):
    """Windows at random, from a generator of its own."""
    height, width = image.shape[:2]
    draws = np.random.default_rng(seed).random((1000, 4))
    x1, y1 = np.floor(draws[:, 0] * width), np.floor(draws[:, 1] * height)
    x2 = np.minimum(x1 + 1 + np.floor(draws[:, 2] * width / 2), width)
    y2 = np.minimum(y1 + 1 + np.floor(draws[:, 3] * height / 2), height)
    boxes = np.stack([x1, y1, x2, y2], 1).astype(np.float32)
    if height * width == 1:
        boxes = boxes[:1]
    scores = np.linspace(1, 0.5, len(boxes)).astype(np.float32)
    return Proposals(boxes[:limit], scores[:limit])


def few_grey_images(*, root, offline, options):
    """Thirty grey images in memory, with a validation part of their own, made when they are asked for."""
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (30, 1, 9, 7), generator=generator).to(torch.uint8)
    labels = torch.arange(30) % 2
    parts = [LabelledImages(images[k::3], labels[k::3]) for k in range(3)]
    return ImageData(parts[0], parts[1], ("odd", "even"), frozenset(), val=parts[2])


def no_data(*, root, offline, options):
    """Needs a file that is not there."""
    raise FileNotFoundError(f"put images.bin into {root}")


def idle(training, *, options):
    """Does nothing."""
    return TrainingCallback()
