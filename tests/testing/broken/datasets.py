"""Datasets with one mistake each."""

import random
from pathlib import Path

import numpy as np
import torch

from netlab.kinds.dataset import ImageData, LabelledImages


def drawn(count, seed, *, classes=3, size=12, channels=3):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, channels, size, size), generator=generator).to(torch.uint8)
    return LabelledImages(images, torch.arange(count) % classes)


def data(train, test, names=("a", "b", "c"), val=None):
    return ImageData(train, test, names, frozenset({"horizontal-flip"}), val)


def first(images, count):
    return LabelledImages(images.images[:count], images.labels[:count])


def overlap(*, root, offline, options):
    """The last tenth of the training images is in the test images too."""
    everything = drawn(160, 0)
    test = LabelledImages(everything.images[90:], everything.labels[90:])
    return data(first(everything, 100), test)


def val_of_train(*, root, offline, options):
    """The validation images are training images."""
    train = drawn(100, 0)
    return data(train, drawn(40, 1), val=first(train, 20))


def shuffled_split(*, root, offline, options):
    """Splits by Python's own generator."""
    everything = drawn(160, 0)
    order = torch.tensor(random.sample(range(160), 160))
    parts = [LabelledImages(everything.images[i], everything.labels[i]) for i in (order[:100], order[100:])]
    return data(*parts)


def seeds(*, root, offline, options):
    """Seeds NumPy for its split."""
    np.random.seed(0)
    return data(drawn(100, 0), drawn(40, 1))


def counts_from_one(*, root, offline, options):
    """A name for a class 0 that no image has."""
    train, test = drawn(99, 0), drawn(39, 1)
    return data(
        LabelledImages(train.images, train.labels + 1),
        LabelledImages(test.images, test.labels + 1),
        ("background", "a", "b", "c"),
    )


def zero_to_one(*, root, offline, options):
    """Scales to 0 to 1 and then makes bytes of it."""
    parts = drawn(100, 0), drawn(40, 1)
    return data(*(LabelledImages((p.images.float() / 255).round().to(torch.uint8), p.labels) for p in parts))


def writes_elsewhere(*, root, offline, options):
    """Keeps a cache where it is called."""
    Path("netlab_wrong_cache.bin").write_bytes(b"0")
    return data(drawn(100, 0), drawn(40, 1))


def int_labels(*, root, offline, options):
    """Labels int32 in the validation part."""
    val = drawn(20, 2)
    return data(drawn(100, 0), drawn(40, 1), val=LabelledImages(val.images, val.labels.int()))


def other_size(*, root, offline, options):
    """Test images of another size."""
    return data(drawn(100, 0), drawn(40, 1, size=16))


def names_of_numbers(*, root, offline, options):
    """Class names that are numbers."""
    return data(drawn(100, 0), drawn(40, 1), (0, 1, 2))


def no_file(*, root, offline, options):
    """Fails with a KeyError where its file is not there."""
    files = {path.name: path for path in Path(root).glob("*.bin")}
    files["images.bin"].read_bytes()
    return data(drawn(100, 0), drawn(40, 1))


def transposed(*, root, offline, options):
    """Channels last."""
    parts = drawn(100, 0), drawn(40, 1)
    return data(*(LabelledImages(p.images.permute(0, 2, 3, 1).contiguous(), p.labels) for p in parts))


def extreme_options(*, root, offline, options):
    """Its smallest number of images leaves no test image."""
    return data(drawn(options.images, 0), drawn(options.images // 4, 1))


def prints(*, root, offline, options):
    """Prints how many images it has."""
    print("loaded 100 images")
    return data(drawn(100, 0), drawn(40, 1))
