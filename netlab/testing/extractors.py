"""Checks of extractors. Contract: ``netlab.kinds.extractor``."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from netlab.errors import UsageError, first_line
from netlab.kinds.extractor import FeatureMaps
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.modules import expect_determinism, sample, seeded

SIDE = 128


def build(subject: Subject) -> FeatureMaps:
    """The extractor with random weights."""
    seeded(0)
    found = subject.build(weights="none")
    expect(isinstance(found, FeatureMaps), f"it gave {type(found).__name__}, not FeatureMaps")
    assert isinstance(found, FeatureMaps)
    return found


def maps_of(found: FeatureMaps) -> list[Tensor]:
    """The feature map of every stage, for two images of 128 x 128."""
    x, maps = sample(2, 3, (SIDE, SIDE)), []
    with torch.no_grad():
        for stage in found.stages:
            x = stage.eval()(x)
            maps.append(x)
    return maps


def stages(subject: Subject) -> None:
    """Stage i gives channels[i] maps of about the image's side over strides[i]."""
    found = build(subject)
    counts = len(found.stages), len(found.channels), len(found.strides)
    expect(counts[0] > 0 and len(set(counts)) == 1, f"stages, channels and strides are {counts} long")
    for i, (feature_map, channels, stride) in enumerate(
        zip(maps_of(found), found.channels, found.strides, strict=True)
    ):
        shape = tuple(feature_map.shape)
        expect(
            len(shape) == 4 and shape[:2] == (2, channels),
            f"stage {i} gave {shape}, expected {channels} channels",
        )
        close = all(abs(side - SIDE / stride) <= max(2.0, 0.3 * SIDE / stride) for side in shape[2:])
        expect(
            close, f"stage {i} gave a map of {shape[2:]}, but its stride is {stride} for an image of {SIDE}"
        )


def preprocessing(subject: Subject) -> None:
    """Mean and deviation are three positive numbers for RGB in [0, 1]; crop_size is a side in pixels."""
    found = build(subject)
    for name, values in (("mean", found.mean), ("std", found.std)):
        good = len(values) == 3 and all(math.isfinite(v) and 0 < v <= 1 for v in values)
        expect(good, f"{name} is {values}, expected three numbers in (0, 1]")
    expect(isinstance(found.crop_size, int) and found.crop_size > 0, f"crop_size is {found.crop_size!r}")
    expect(isinstance(found.weights, str) and found.weights, "weights does not say where they came from")


def determinism(subject: Subject) -> None:
    """In evaluation mode the same image gives the same maps."""
    stages = torch.nn.Sequential(*build(subject).stages)
    expect_determinism(stages, sample(2, 3, (SIDE, SIDE)))


def missing_weights(subject: Subject) -> None:
    """A file of weights that is not there is a FileNotFoundError."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subject.build(weights=str(Path(folder) / "absent.safetensors"))
        except UsageError:
            return
        except Exception as error:
            raise ConformanceError(f"expected FileNotFoundError, not {first_line(error)}") from error
    raise ConformanceError("a file of weights that is not there was accepted")


CHECKS = (stages, preprocessing, determinism, missing_weights)
