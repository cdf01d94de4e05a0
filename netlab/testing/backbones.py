"""Checks of backbones. Contract: ``netlab.kinds.backbone``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netlab.errors import NetlabError, UsageError, first_line
from netlab.kinds.backbone import Pretrained
from netlab.kinds.block import Size
from netlab.pretrained import with_head
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.exercised import is_refusal
from netlab.testing.forward_checks import EXACT
from netlab.testing.module_case import ModuleCase, is_pretrained
from netlab.testing.module_checks import module_checks
from netlab.testing.modules import apart, expect_shape, run, sample, seeded, shake
from netlab.testing.placeholders import Notes, elu, expect_used, no_norm, plain_block

SIZE: Size = (32, 32)
CLASSES = 7
SIZES: tuple[tuple[int, Size, int], ...] = ((1, (40, 36), CLASSES), (3, (48, 64), 2), (3, (33, 47), 100))


def build(
    subject: Subject,
    *,
    in_channels: int = 3,
    size: Size = SIZE,
    classes: int = CLASSES,
    seed: int = 0,
    **more: Any,
) -> Any:
    """The network with plain blocks and no norm, its weights drawn from ``seed``."""
    seeded(seed)
    component = subject.component
    if is_pretrained(subject):
        pretrained = subject.build(weights="none", offline=True)
        expect(isinstance(pretrained, Pretrained), f"it gave {type(pretrained).__name__}, not Pretrained")
        return with_head(component, pretrained, in_channels=in_channels, image_size=size, classes=classes)
    keywords: dict[str, Any] = {"block": plain_block, "norm": no_norm, "activation": elu, **more}
    return subject.build(in_channels=in_channels, image_size=size, classes=classes, **keywords)


def images(count: int, seed: int = 0) -> Tensor:
    """Normalized images (count, 3, 32, 32)."""
    return sample(count, 3, SIZE, seed)


def named_layers(subject: Subject) -> None:
    """It is an nn.Sequential whose layers have names, not numbers, and run one after the other."""
    network = build(subject)
    expect(isinstance(network, nn.Sequential), f"it gave {type(network).__name__}, not an nn.Sequential")
    numbers = [name for name, _ in network.named_children() if name.isdigit()]
    expect(not numbers, f"layers without a name: {', '.join(numbers)} (give nn.Sequential an OrderedDict)")
    x = images(2)
    whole = run(network, x)
    with torch.no_grad():
        for _, layer in network.named_children():
            x = layer(x)
    same = x.shape == whole.shape and apart(x, whole) <= EXACT
    expect(
        same,
        "its layers, one after the other, give something else than the network: it has a forward of its own",
    )


def logits(subject: Subject) -> None:
    """Images (2, 3, 32, 32) give finite logits (2, classes), no probabilities."""
    network = build(subject)
    output = expect_shape(run(network, images(2)), (2, CLASSES), "for input (2, 3, 32, 32) and 7 classes")
    expect(output.isfinite().all(), "the logits are not finite")
    shake(network)
    output = run(network, images(4))
    for what, sums in (
        ("probabilities", output.sum(1)),
        ("logarithms of probabilities", output.exp().sum(1)),
    ):
        ones = torch.ones_like(sums)
        expect(
            not torch.allclose(sums, ones, atol=1e-4),
            f"it gives {what}, not logits: leave the softmax to the loss",
        )


def grey_and_other_sizes(subject: Subject) -> None:
    """Grey images, images of 40 x 36, 48 x 64 and 33 x 47, 2 and 100 classes work as well."""
    for channels, size, classes in SIZES:
        given = f"{'grey ' if channels == 1 else ''}images of {size[0]} x {size[1]}"
        try:
            network = build(subject, in_channels=channels, size=size, classes=classes)
            output = run(network, sample(2, channels, size))
        except UsageError as error:
            expect(is_refusal(error), f"{given}: {first_line(error)}")
            continue
        except (NetlabError, RuntimeError) as error:
            raise ConformanceError(f"{given}: {first_line(error)}") from error
        expect_shape(output, (2, classes), f"for {given} and {classes} classes")


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


def chosen(subject: Subject, what: str, size: Size) -> None:
    """The factory of ``what`` is used, with the shapes that come."""
    if is_pretrained(subject):
        raise NotApplicable("it is tagged 'pretrained': it is given no parts")
    notes = Notes()
    try:
        network = build(subject, size=size, **{what: getattr(notes, what)})
    except UsageError as error:
        raise NotApplicable(first_line(error)) from None
    expect_used(subject, notes, what, network, sample(2, 3, size))


def chosen_block(subject: Subject) -> None:
    """``block(in, out, size=...)`` is called, told the shape that comes in, and used."""
    for size in (SIZE, (40, 36)):
        chosen(subject, "block", size)


def chosen_norm(subject: Subject) -> None:
    """``norm(channels, size)`` is called, told the shape that comes in, and used."""
    for size in (SIZE, (40, 36)):
        chosen(subject, "norm", size)


def chosen_activation(subject: Subject) -> None:
    """``activation()`` is called, and every module that it made is used."""
    chosen(subject, "activation", SIZE)


def missing_weights(subject: Subject) -> None:
    """Of a pretrained one: a file of weights that is not there is a FileNotFoundError."""
    if not is_pretrained(subject):
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
    if not is_pretrained(subject):
        raise NotApplicable("it is not tagged 'pretrained'")
    found = subject.build(weights="none", offline=True).preprocessing
    expect(1 <= found.size <= found.shorter, f"size is {found.size} and shorter {found.shorter}")
    expect(found.resampling in ("bilinear", "bicubic"), f"resampling is {found.resampling!r}")
    for name, values in (("mean", found.mean), ("std", found.std)):
        good = len(values) == 3 and all(0 < value <= 1 for value in values)
        expect(good, f"{name} is {values}, expected three numbers in (0, 1]")


CHECKS = (
    *module_checks(ModuleCase(build, images, lambda shape: (shape[0], CLASSES))),
    named_layers,
    logits,
    grey_and_other_sizes,
    too_small,
    chosen_block,
    chosen_norm,
    chosen_activation,
    missing_weights,
    preprocessing,
)
