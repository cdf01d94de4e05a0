"""Detectors with one mistake each."""

import torch
from torch import nn

from netlab.kinds.detector import RegionHead


class Grid(nn.Module):
    """Nothing is wrong with it: a cell of a coarse map says a class and a box around itself."""

    def __init__(self, classes, features):
        super().__init__()
        self.classes = classes
        self.stages = nn.ModuleList(features().stages)
        self.head = nn.Conv2d(32, classes + 1 + 4, 1)

    def maps(self, image):
        x = image[None] - 0.5
        for stage in self.stages:
            x = stage(x)
        return self.head(x)[0]

    def forward(self, images, targets=None):
        if self.training:
            found = [self.losses(image, target) for image, target in zip(images, targets, strict=True)]
            return {name: torch.stack([one[name] for one in found]).mean() for name in found[0]}
        return [self.detections(image) for image in images]

    def losses(self, image, target):
        found = self.maps(image)
        logits = found[: self.classes + 1].flatten(1).T
        wanted = torch.zeros(len(logits), dtype=torch.long)
        height, width = found.shape[1:]
        centres = (target["boxes"][:, :2] + target["boxes"][:, 2:]) / 2
        for centre, label in zip(centres, target["labels"], strict=True):
            column, row = int(centre[0] * width / image.shape[2]), int(centre[1] * height / image.shape[1])
            wanted[row * width + column] = label
        sizes = found[self.classes + 1 :].square().mean()
        return {"classes": nn.functional.cross_entropy(logits, wanted), "boxes": sizes}

    def detections(self, image):
        found = self.maps(image)
        scores, labels = found[: self.classes + 1].softmax(0)[1:].flatten(1).max(0)
        height, width = found.shape[1:]
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        corners = torch.stack([columns, rows, columns + 1, rows + 1], -1).flatten(0, 1).float()
        scale = torch.tensor([image.shape[2] / width, image.shape[1] / height] * 2)
        order = scores.argsort(descending=True, stable=True)
        return {"boxes": (corners * scale)[order], "labels": labels[order] + 1, "scores": scores[order]}


class WorstFirst(Grid):
    def detections(self, image):
        return {name: value.flip(0) for name, value in super().detections(image).items()}


def worst_first(*, classes, features, options):
    """Gives the weakest box first."""
    return WorstFirst(classes, features)


class LabelsFromZero(Grid):
    def detections(self, image):
        found = super().detections(image)
        return found | {"labels": found["labels"] - 1}


def labels_from_zero(*, classes, features, options):
    """Its labels count from 0."""
    return LabelsFromZero(classes, features)


class SharesOfTheImage(Grid):
    def detections(self, image):
        found = super().detections(image)
        return found | {"boxes": found["boxes"] * 2}


def twice_as_large(*, classes, features, options):
    """Boxes are in pixels of an image twice as large."""
    return SharesOfTheImage(classes, features)


class NeedsObjects(Grid):
    def losses(self, image, target):
        return {"boxes": super().losses(image, target)["boxes"] / len(target["labels"])}


def needs_objects(*, classes, features, options):
    """Divides by the number of objects."""
    return NeedsObjects(classes, features)


class Detached(Grid):
    def losses(self, image, target):
        return {name: value.detach() for name, value in super().losses(image, target).items()}


def detached(*, classes, features, options):
    """No gradient reaches its parameters."""
    return Detached(classes, features)


class Stubborn(Grid):
    def losses(self, image, target):
        found = super().losses(image, target)
        return {name: value - value.detach() + 1 for name, value in found.items()}


def stubborn(*, classes, features, options):
    """Its losses are the same whatever it has learnt."""
    return Stubborn(classes, features)


class OneNumber(Grid):
    def forward(self, images, targets=None):
        found = super().forward(images, targets)
        return sum(found.values()) if self.training else found


def one_number(*, classes, features, options):
    """Gives one loss, not a mapping."""
    return OneNumber(classes, features)


class Remembers(Grid):
    def __init__(self, classes, features):
        super().__init__(classes, features)
        self.seen = 0.0

    def forward(self, images, targets=None):
        self.seen += 0.01
        return super().forward(images, targets)

    def maps(self, image):
        return super().maps(image) * (1 + self.seen)


def remembers(*, classes, features, options):
    """What it finds depends on what it was shown before."""
    return Remembers(classes, features)


class Aside(Grid):
    def __init__(self, classes, features):
        super().__init__(classes, features)
        self.offsets = torch.randn(classes + 5, 1, 1)

    def maps(self, image):
        return super().maps(image) + self.offsets


def aside(*, classes, features, options):
    """Part of what it is made of is not in its state dict."""
    return Aside(classes, features)


def own_seed(*, classes, features, options):
    """Its weights are always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Grid(classes, features)


class InPlace(Grid):
    def maps(self, image):
        return super().maps(image.clamp_(0.2, 0.8))


def in_place(*, classes, features, options):
    """Clips the image that it is given."""
    return InPlace(classes, features)


def two_classes(*, classes, features, options):
    """Has a place for two classes at least, and a taste for the second."""
    network = Grid(max(classes, 2), features)
    torch.nn.init.constant_(network.head.bias[2:3], 5.0)
    return network


def half_a_unit(*, options):
    """A head of half a unit."""
    return RegionHead(hidden=0.5, dropout=0.0, fit=0)
