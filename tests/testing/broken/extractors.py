"""Extractors with one mistake each."""

import pickle

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from netlab.kinds.extractor import FeatureMaps


class Stage(nn.Sequential):
    def __init__(self, in_channels, out_channels, *, inplace=False):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1), nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=inplace),
        )  # fmt: skip


def load(stages, weights):
    if weights == "none":
        return
    if weights == "imagenet":
        raise FileNotFoundError("there are no weights of ImageNet")
    try:
        stages.load_state_dict(read(weights))
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[-1].strip()) from None


def read(weights):
    """The tensors of a file, if it is one of weights."""
    try:
        return load_file(weights)
    except SafetensorError as error:
        raise ValueError(f"no weights: {error}") from None


def maps(stages, **changed):
    values = {
        "stages": tuple(stages), "channels": (8, 16, 32), "strides": (2, 4, 8), "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225), "crop_size": 224, "weights": "random", **changed,
    }  # fmt: skip
    return FeatureMaps(**values)


def made(weights, stage=Stage):
    stages = nn.Sequential(stage(3, 8), stage(8, 16), stage(16, 32))
    load(stages, weights)
    return stages


def strides_of_stages(*, weights, options):
    """The stride of each stage, not of the image."""
    return maps(made(weights), strides=(2, 2, 2))


class OverwritingStage(nn.Sequential):
    def __init__(self, in_channels, out_channels):
        super().__init__(nn.ELU(inplace=True), nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1))


def overwrites_the_map(*, weights, options):
    """The activation of a stage is applied in place to the map of the one before."""
    return maps(made(weights, OverwritingStage))


def never_strict(*, weights, options):
    """Takes any file of weights."""
    stages = nn.Sequential(Stage(3, 8), Stage(8, 16), Stage(16, 32))
    if weights == "imagenet":
        raise FileNotFoundError("there are no weights of ImageNet")
    if weights != "none":
        stages.load_state_dict(read(weights), strict=False)
    return maps(stages)


def unpickles(*, weights, options):
    """Loads a file of weights by pickle."""
    stages = nn.Sequential(Stage(3, 8), Stage(8, 16), Stage(16, 32))
    if weights == "imagenet":
        raise FileNotFoundError("there are no weights of ImageNet")
    if weights != "none":
        with open(weights, "rb") as file:  # noqa: PTH123
            data = file.read()
        try:
            stages.load_state_dict(pickle.loads(data))
        except Exception as error:
            raise ValueError(f"no weights: {type(error).__name__}") from None
    return maps(stages)


def mean_of_bgr(*, weights, options):
    """The mean and deviation of pixels from 0 to 255."""
    return maps(made(weights), mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4))


class BatchStage(Stage):
    def forward(self, x):
        x = super().forward(x)
        return x - x.mean((0, 2, 3), keepdim=True)


def centres_the_batch(*, weights, options):
    """Maps depend on the other images of the batch."""
    return maps(made(weights, BatchStage))


class FixedStage(Stage):
    def forward(self, x):
        x = super().forward(x)
        return x.view(len(x), -1).view(x.shape)


def views(*, weights, options):
    """Flattens by view."""
    return maps(made(weights, FixedStage))


class SquareStage(Stage):
    def forward(self, x):
        x = super().forward(x)
        return x.transpose(2, 3)


def transposes(*, weights, options):
    """Height and width change places at every stage."""
    return maps(made(weights, SquareStage))


def seeds(*, weights, options):
    """Seeds PyTorch before it draws weights."""
    torch.manual_seed(1)
    return maps(made(weights))


def changes_input(*, weights, options):
    """Normalizes the image in place."""

    class First(Stage):
        def forward(self, x):
            if x.shape[1] == 3:
                x.sub_(0.01)
            return super().forward(x)

    return maps(made(weights, First))
