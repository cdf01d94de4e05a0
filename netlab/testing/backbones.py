"""Checks of backbones. Contract: ``netlab.kinds.backbone``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netlab.errors import NetlabError, UsageError, first_line
from netlab.kinds.backbone import Pretrained
from netlab.kinds.block import Size
from netlab.pretrained import with_head
from netlab.testing.blocks import elu, no_norm
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.modules import (
    expect_determinism,
    expect_gradients,
    expect_shape,
    expect_state_round_trip,
    sample,
    seeded,
)

SIZE: Size = (32, 32)
CLASSES = 7


def plain_block(in_channels: int, out_channels: int, *, size: Size, stride: int = 1) -> nn.Module:
    """The block of the checks: a convolution and an activation that is smooth."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1), nn.ELU())


def build(subject: Subject, *, in_channels: int = 3, size: Size = SIZE, seed: int = 0, **more: Any) -> Any:
    """The network with plain blocks and no norm, its weights drawn from ``seed``."""
    seeded(seed)
    component = subject.component
    if "pretrained" in component.spec.tags:
        pretrained = subject.build(weights="none", offline=True)
        expect(isinstance(pretrained, Pretrained), f"it gave {type(pretrained).__name__}, not Pretrained")
        return with_head(component, pretrained, in_channels=in_channels, image_size=size, classes=CLASSES)
    keywords: dict[str, Any] = {"block": plain_block, "norm": no_norm, "activation": elu, **more}
    return subject.build(in_channels=in_channels, image_size=size, classes=CLASSES, **keywords)


def named_layers(subject: Subject) -> None:
    """It is an nn.Sequential whose layers have names, not numbers."""
    network = build(subject)
    expect(isinstance(network, nn.Sequential), f"it gave {type(network).__name__}, not an nn.Sequential")
    numbers = [name for name, _ in network.named_children() if name.isdigit()]
    expect(not numbers, f"layers without a name: {', '.join(numbers)} (give nn.Sequential an OrderedDict)")


def logits(subject: Subject) -> None:
    """Images (2, 3, 32, 32) give finite logits (2, classes)."""
    output = build(subject)(sample(2, 3, SIZE))
    output = expect_shape(output, (2, CLASSES), "for input (2, 3, 32, 32) and 7 classes")
    expect(output.isfinite().all(), "the logits are not finite")


def grey_and_other_sizes(subject: Subject) -> None:
    """Grey images of 40 x 36 work as well."""
    size = (40, 36)
    try:
        output = build(subject, in_channels=1, size=size)(sample(2, 1, size))
    except UsageError as error:
        raise NotApplicable(first_line(error)) from None
    except (NetlabError, RuntimeError) as error:
        raise ConformanceError(f"grey images of 40 x 36: {first_line(error)}") from error
    expect_shape(output, (2, CLASSES), "for input (2, 1, 40, 36) and 7 classes")


def too_small(subject: Subject) -> None:
    """An image of 1 x 1 works, or is refused with a ValueError of one line."""
    try:
        network = build(subject, size=(1, 1))
    except UsageError as error:
        expect("\n" not in str(error), f"the refusal has several lines: {error}")
        return
    except Exception as error:
        raise ConformanceError(
            f"an image of 1 x 1: expected a ValueError, not {first_line(error)}"
        ) from error
    try:
        network.eval()(sample(2, 3, (1, 1)))
    except Exception as error:
        raise ConformanceError(
            f"an image of 1 x 1 was not refused, and then failed: {first_line(error)}"
        ) from error


def chosen_norm(subject: Subject) -> None:
    """``norm(channels, size)`` is called with the shape that comes in, if it is called."""

    class Recorder(nn.Module):
        def __init__(self, channels: int, size: Size) -> None:
            super().__init__()
            self.expected = (channels, *size)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            came = tuple(x.shape[1:])
            expect(came == self.expected, f"norm was told {self.expected} (C, H, W), but {came} came")
            return x

    build(subject, norm=Recorder)(sample(2, 3, SIZE))


def gradients(subject: Subject) -> None:
    """Finite gradients reach every parameter and the input."""
    expect_gradients(build(subject), sample(2, 3, SIZE))


def state_dict(subject: Subject) -> None:
    """A second network with the first one's state dict computes the same."""
    expect_state_round_trip(build(subject, seed=0), build(subject, seed=9), sample(2, 3, SIZE))


def determinism(subject: Subject) -> None:
    """In evaluation mode the same input gives the same output, and the state stays."""
    expect_determinism(build(subject), sample(2, 3, SIZE))


def missing_weights(subject: Subject) -> None:
    """Of a pretrained one: a file of weights that is not there is a FileNotFoundError."""
    if "pretrained" not in subject.component.spec.tags:
        raise NotApplicable("it is not tagged 'pretrained'")
    with tempfile.TemporaryDirectory() as folder:
        absent = str(Path(folder) / "absent.safetensors")
        try:
            subject.component.call(subject.build(weights=absent, offline=True).make_trunk)
        except UsageError:
            return
        except Exception as error:
            raise ConformanceError(f"expected FileNotFoundError, not {first_line(error)}") from error
    raise ConformanceError("a file of weights that is not there was accepted")


def preprocessing(subject: Subject) -> None:
    """Of a pretrained one: sizes are at least 1, mean and deviation three numbers in (0, 1]."""
    if "pretrained" not in subject.component.spec.tags:
        raise NotApplicable("it is not tagged 'pretrained'")
    found = subject.build(weights="none", offline=True).preprocessing
    expect(1 <= found.size <= found.shorter, f"size is {found.size} and shorter {found.shorter}")
    expect(found.resampling in ("bilinear", "bicubic"), f"resampling is {found.resampling!r}")
    for name, values in (("mean", found.mean), ("std", found.std)):
        good = len(values) == 3 and all(0 < value <= 1 for value in values)
        expect(good, f"{name} is {values}, expected three numbers in (0, 1]")


CHECKS = (
    named_layers,
    logits,
    grey_and_other_sizes,
    too_small,
    chosen_norm,
    gradients,
    state_dict,
    determinism,
    missing_weights,
    preprocessing,
)
