"""Checks of detectors. Contract: ``netlab.kinds.detector``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netlab.kinds.detector import DetectionTarget, RegionHead
from netlab.kinds.extractor import FeatureMaps
from netlab.testing.checks import NotApplicable, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.modules import expect_module, seeded
from netlab.testing.scenes import SCENES, scene

CLASSES = 3
STEPS, RATE = 12, 1e-3  # of AdamW, on one batch


def tiny_features() -> FeatureMaps:
    """An extractor of four small convolutions of stride 2, always the same."""
    channels = (8, 16, 16, 32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stages = tuple(
            nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU())
            for before, after in zip((3, *channels), channels, strict=False)
        )
    for stage in stages:
        stage.eval().requires_grad_(False)
    return FeatureMaps(stages, channels, (2, 4, 8, 16), (0.5,) * 3, (0.5,) * 3, 64, "random")


def build(subject: Subject, *, classes: int = CLASSES, seed: int = 0) -> nn.Module:
    """The network on a tiny extractor.

    Raises:
        NotApplicable: the part says the shape of a head, and netlab trains it.
    """
    if of_regions(subject):
        raise NotApplicable("it is tagged 'regions'")
    seeded(seed)
    return expect_module(subject.build(classes=classes, features=tiny_features))


def of_regions(subject: Subject) -> bool:
    return "regions" in subject.component.spec.tags


def batch() -> tuple[list[Tensor], list[DetectionTarget]]:
    """Images of three sizes with three squares each, a class each."""
    images, targets = [], []
    for size, squares in SCENES.values():
        pixels = torch.from_numpy(scene(size, squares, "mixed"))
        images.append(pixels.permute(2, 0, 1).float() / 255)
        target: DetectionTarget = {
            "boxes": torch.tensor(squares, dtype=torch.float32),
            "labels": torch.arange(1, CLASSES + 1),
        }
        targets.append(target)
    return images, targets


def losses(network: nn.Module, images: Sequence[Tensor], targets: Sequence[DetectionTarget]) -> Tensor:
    """The sum of what the network gives in training, once it is what the contract says."""
    seeded(1)
    found = network.train()(list(images), list(targets))
    expect(isinstance(found, Mapping) and found, f"in training it gave {type(found).__name__}, not losses")
    for name, value in found.items():
        scalar = isinstance(value, Tensor) and value.shape == ()
        expect(scalar, f"the loss '{name}' is no tensor of shape ()")
        expect(value.isfinite(), f"the loss '{name}' is {float(value.detach())}")
    return torch.stack([value.float() for value in found.values()]).sum()


def detected(network: nn.Module, images: Sequence[Tensor]) -> list[dict[str, Tensor]]:
    """What the network finds, once it is what the contract says."""
    with torch.no_grad():
        found: Any = network.eval()(list(images))
    listed = isinstance(found, Sequence) and len(found) == len(images)
    expect(listed, f"in evaluation it did not give one result for each of {len(images)} images")
    for image, result in zip(images, found, strict=True):
        for name, columns in (("boxes", (4,)), ("labels", ()), ("scores", ())):
            value = result.get(name) if isinstance(result, Mapping) else None
            fits = isinstance(value, Tensor) and value.ndim == 1 + len(columns) and value.shape[1:] == columns
            expect(fits, f"'{name}' is no tensor of shape (m{', 4' if columns else ''})")
        expect_detections(result, image)
    return list(found)


def expect_detections(result: Mapping[str, Tensor], image: Tensor) -> None:
    """Boxes in the image, labels of the classes, scores from 0 to 1, best first."""
    boxes, labels, scores = result["boxes"], result["labels"], result["scores"]
    expect(len(boxes) == len(labels) == len(scores), "boxes, labels and scores are not equally many")
    expect(boxes.isfinite().all() and scores.isfinite().all(), "boxes or scores are not finite")
    expect(not labels.is_floating_point(), f"labels are {labels.dtype}, expected whole numbers")
    expect(((labels >= 1) & (labels <= CLASSES)).all(), f"labels are not all from 1 to {CLASSES}")
    expect(((scores >= 0) & (scores <= 1)).all(), "scores are not all from 0 to 1")
    expect((scores.diff() <= 0).all(), "the scores increase somewhere: best first")
    height, width = image.shape[1:]
    inside = (boxes >= -0.01) & (boxes <= torch.tensor([width, height, width, height]) + 0.01)
    expect(inside.all(), f"a box is not inside its image of {width} x {height} pixels")


def exercise(subject: Subject) -> None:
    """A step of training and one of evaluation; of a head, its shape."""
    if of_regions(subject):
        head_shape(subject)
        return
    network = build(subject)
    loss = losses(network, *batch())
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    detected(network, batch()[0])


def head_shape(subject: Subject) -> None:
    """Tagged ``regions`` it gives a RegionHead: whole numbers of units, and a share of dropout."""
    if not of_regions(subject):
        raise NotApplicable("it is not tagged 'regions'")
    found = subject.build()
    expect(isinstance(found, RegionHead), f"it gave {type(found).__name__}, not a RegionHead")
    whole = all(isinstance(value, int) and value >= 0 for value in (found.hidden, found.fit))
    expect(whole and 0 <= found.dropout < 1, f"it gave {found}, expected units and a share below 1")


def trains(subject: Subject) -> None:
    """In training it gives losses of shape (), finite, that some of its parameters are learnt from."""
    network = build(subject)
    loss = losses(network, *batch())
    expect(loss.requires_grad, "its losses depend on no parameter: there is nothing to learn")
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    expect(any(bool(g.abs().sum() > 0) for g in gradients), "all gradients are zero")
    expect(all(bool(g.isfinite().all()) for g in gradients), "a gradient is not finite")


def learns(subject: Subject) -> None:
    """A few steps on one batch make its losses smaller."""
    network, (images, targets) = build(subject), batch()
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=RATE)
    found = []
    for _ in range(STEPS):
        loss = losses(network, images, targets)
        found.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    expect(
        min(found[-3:]) < found[0],
        f"the losses of one batch went from {found[0]:.3f} to {found[-1]:.3f} in {STEPS} steps",
    )


def without_objects(subject: Subject) -> None:
    """Images without objects are background: the losses stay finite."""
    images, targets = batch()
    empty: DetectionTarget = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    for given in ([targets[0], empty, targets[2]], [empty] * len(images)):
        losses(build(subject), images, given)


def finds(subject: Subject) -> None:
    """In evaluation an image's boxes are inside it, labels from 1, scores from 0 to 1, best first."""
    detected(build(subject), batch()[0])


def few_classes(subject: Subject) -> None:
    """One class is enough, and its label is 1."""
    network, (images, targets) = build(subject, classes=1), batch()
    one: list[DetectionTarget] = [
        {"boxes": target["boxes"], "labels": torch.ones_like(target["labels"])} for target in targets
    ]
    losses(network, images, one)
    for result in detected(network, images):
        expect((result["labels"] == 1).all(), "with one class it gave labels that are not 1")


def determinism(subject: Subject) -> None:
    """In evaluation an image gives the same detections, whatever was trained or found in between."""
    network, (images, _) = build(subject), batch()
    first = detected(network, images[:1])[0]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    detected(network, images[1:])
    seeded(5)
    again = detected(network, images[:1])[0]
    same = all(torch.equal(first[name], again[name]) for name in ("boxes", "labels", "scores"))
    expect(same, "asked twice for the same image, it gave different detections")
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, before[name])]
    expect(not changed, f"evaluation changes its state: {', '.join(changed[:3])}")


def state_dict(subject: Subject) -> None:
    """All that it learnt is in its state dict: another network that loads it finds the same."""
    network, (images, targets) = build(subject), batch()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    losses(network, images, targets).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    other = build(subject, seed=7)
    other.load_state_dict(network.state_dict())
    for first, second in zip(detected(network, images), detected(other, images), strict=True):
        same = all(torch.equal(first[name], second[name]) for name in ("boxes", "labels", "scores"))
        expect(same, "a network that loads its state dict finds something else")


def seeds(subject: Subject) -> None:
    """One seed gives the same weights, another gives others: they are drawn from PyTorch's generator."""
    first, second, other = (build(subject, seed=seed).state_dict() for seed in (0, 0, 1))
    for name, value in first.items():
        expect(torch.equal(value, second[name]), f"one seed gave two values of '{name}'")
    expect(any(not torch.equal(v, other[k]) for k, v in first.items()), "another seed gave the same weights")


def input_kept(subject: Subject) -> None:
    """Images and targets are not changed in place."""
    network, (images, targets) = build(subject), batch()
    given, wanted = batch()
    losses(network, given, wanted)
    detected(network, given)
    same = all(torch.equal(a, b) for a, b in zip(images, given, strict=True))
    expect(same, "it changes the images that it is given")
    for before, after in zip(targets, wanted, strict=True):
        kept = torch.equal(before["boxes"], after["boxes"]) and torch.equal(before["labels"], after["labels"])
        expect(kept, "it changes the targets that it is given")


CHECKS = (
    *exercised(exercise, seeded=True),
    head_shape,
    trains,
    learns,
    without_objects,
    finds,
    few_classes,
    determinism,
    state_dict,
    seeds,
    input_kept,
)
