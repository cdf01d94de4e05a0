"""Datasets that break one rule each."""

import socket
from dataclasses import replace

import torch

from netlab.kinds.dataset import ImageData, LabelledImages


def sound():
    """Six images of two classes: nothing is wrong with them."""
    images = LabelledImages(torch.zeros(6, 3, 8, 8, dtype=torch.uint8), torch.arange(6) % 2)
    return ImageData(images, images, ("cat", "dog"), frozenset({"horizontal-flip"}))


def goes_online(*, root, offline, options):
    """Goes online without being asked."""
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    return sound()


def float_images(*, root, offline, options):
    """Images in [0, 1]."""
    data = sound()
    return replace(data, test=replace(data.test, images=data.test.images / 255))


def label_too_high(*, root, offline, options):
    """Labels from 1."""
    data = sound()
    return replace(data, train=replace(data.train, labels=data.train.labels + 1))


def repeated_names(*, root, offline, options):
    """Two classes of one name."""
    return replace(sound(), class_names=("cat", "cat"))


def unknown_augmentation(*, root, offline, options):
    """An augmentation that netlab does not know."""
    return replace(sound(), augmentations=frozenset({"mirror"}))


def random_images(*, root, offline, options):
    """Other images every time."""
    data = sound()
    images = torch.randint(0, 256, data.train.images.shape, dtype=torch.uint8)
    return replace(data, train=replace(data.train, images=images))
