"""Checks of augmentations. Contract: ``netlab.kinds.augmentation``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from netlab.kinds.augmentation import Batch, IndexMap
from netlab.kinds.dataset import AUGMENTATIONS
from netlab.testing.augmented_examples import (
    CLASSES,
    PLACES,
    SIZE,
    applied,
    batch,
    drawn,
    example,
    expect_in_range,
    images,
    index_map,
    is_geometric,
    outcome,
    parts_of,
)  # fmt: skip
from netlab.testing.checks import ConformanceError, NotApplicable, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.modules import expect_on_device

STEP = 50.0  # in brightness, from one class to the next


def exercise(subject: Subject) -> None:
    """An epoch drawn, and a batch changed."""
    expect_in_range(outcome(subject))


def shape(subject: Subject) -> None:
    """Shapes and dtypes stay, in colour and in grey, for the last batch of few images, for any size."""
    for channels in (3, 1):
        outcome(subject, channels=channels)
    apply = drawn(subject)
    for places, size in ((slice(95, 96), SIZE), (slice(89, 96), (9, 5)), (slice(0, 2), (33, 32))):
        expect_in_range(applied(apply, example(subject, places, size=size)), size)
    expect_in_range(applied(drawn(subject, count=1), example(subject, slice(0, 1))))


def in_range(subject: Subject) -> None:
    """Maps stay inside the image; pixels stay finite, from 0 to 255; targets stay probabilities."""
    found = outcome(subject)
    expect_in_range(found)
    if not is_geometric(subject):
        top = float(found["images"].max())
        expect(top > 2, f"no pixel is above {top:g}: images come with values from 0 to 255, not from 0 to 1")


def targets_kept(subject: Subject) -> None:
    """Only an augmentation tagged 'mixing' changes targets."""
    if is_geometric(subject) or "mixing" in subject.component.spec.tags:
        raise NotApplicable("it is geometric, which gives no targets, or mixing, which may change them")
    expect(
        torch.equal(outcome(subject)["targets"], batch().targets), "targets changed, without the tag 'mixing'"
    )


def targets_follow(subject: Subject) -> None:
    """Where images are mixed, their targets are mixed from the same images, about as much."""
    if "mixing" not in subject.component.spec.tags:
        raise NotApplicable("it is not tagged 'mixing': it mixes nothing")
    given = batch()
    shades = STEP * torch.arange(CLASSES)
    plain = (given.targets @ shades)[:, None, None, None].expand_as(given.images)
    found = applied(drawn(subject), replace(given, images=plain.clone()))
    means, expected = found["images"].mean((1, 2, 3)), found["targets"] @ shades
    error = float((means - expected).abs().mean())
    expect(
        error <= 0.3 * STEP,
        f"images of plain classes are mixed otherwise than their targets: {error:.3g} grey levels apart",
    )


def seed(subject: Subject) -> None:
    """The same generator gives the same, another seed something else."""
    first, again, other = (outcome(subject, number) for number in (0, 0, 1))
    same = all(torch.equal(first[name], again[name]) for name in first)
    expect(same, "the same seed gave two results: something is drawn from another generator")
    if "still" in subject.component.spec.tags:  # it changes nothing, and says so
        return
    expect(
        not all(torch.equal(first[name], other[name]) for name in first),
        "another seed gives the same: nothing random is drawn from it (tag 'still' where nothing is to be)",
    )


def own_draws(subject: Subject) -> None:
    """Every image has draws of its own: equal images do not all become the same other image."""
    if "mixing" in subject.component.spec.tags:
        raise NotApplicable("it mixes images")
    given = example(subject)
    if isinstance(given, Batch):
        given = replace(given, images=given.images[:1].expand_as(given.images).clone())
    before = moved_values(parts_of(given))
    for number in range(3):
        after = moved_values(applied(drawn(subject, number), given))
        if torch.equal(after[0], before[0]) or not (after == after[:1]).all():
            return
    expect(False, "all images of an epoch are changed alike: draw a row for each of the count images")


def moved_values(found: dict[str, Tensor]) -> Tensor:
    """What an image consists of, a row an image: its pixels, or where they come from."""
    return torch.cat([found[name].flatten(1) for name in ("images", "rows", "columns") if name in found], 1)


def drawn_once(subject: Subject) -> None:
    """What is done to a batch does not depend on the batches before: nothing is drawn while it is applied."""
    apply = drawn(subject)
    first = applied(apply, example(subject))
    other = slice(0, 16)
    for _ in range(4):
        applied(apply, example(subject, other))
        second = applied(apply, example(subject))
        for name in first:
            expect(
                torch.equal(first[name], second[name]),
                f"the same batch twice gave other {name}: draw when called with the generator,"
                " not when applied",
            )


def input_kept(subject: Subject) -> None:
    """The batch or map that it is given is not changed in place."""
    given = example(subject)
    if isinstance(given, IndexMap):
        given = replace(given, rows=given.rows.clone(), columns=given.columns.clone())
    before = {name: value.clone() for name, value in parts_of(given).items()}
    drawn(subject)(given)
    for name, value in parts_of(given).items():
        expect(torch.equal(value, before[name]), f"it changes the {name} in place")


def by_place(subject: Subject) -> None:
    """An image's changes follow its place in the epoch, so that processes can share a batch."""
    if "mixing" in subject.component.spec.tags:
        raise NotApplicable("what it mixes depends on the batch")
    apply = drawn(subject)
    part, places = slice(8, 24), slice(PLACES.start + 8, PLACES.start + 24)
    if is_geometric(subject):
        share = applied(apply, index_map(places))
    else:
        given = batch()
        share = applied(apply, Batch(given.images[part], given.targets[part], places))
    whole = applied(apply, example(subject))
    for name, value in whole.items():
        expect(
            torch.allclose(value[part].float(), share[name].float(), atol=1e-2),
            "an image is changed otherwise when its batch is cut in two: index what was drawn"
            " with batch.places",
        )


def independent_images(subject: Subject) -> None:
    """An image becomes the same whatever the other images of its batch are, unless it is tagged 'mixing'."""
    if "mixing" in subject.component.spec.tags or is_geometric(subject):
        raise NotApplicable("it mixes images, or is given maps, not images")
    given, apply = batch(), drawn(subject)
    others = given.images.clone()
    others[1:] = 255 - others[1:] / 3
    first, second = (applied(apply, replace(given, images=x))["images"][0] for x in (given.images, others))
    expect(
        torch.allclose(first, second, atol=1e-2),
        "an image depends on the others of its batch: tag 'mixing', and mix the targets too",
    )


def composes(subject: Subject) -> None:
    """A geometric one moves what the map before has moved: it looks up in the map, and makes none anew."""
    if not is_geometric(subject):
        raise NotApplicable("it is not geometric")
    apply = drawn(subject)
    own = applied(apply, index_map())
    before = {
        name: (value * 7 + 3) % side
        for (name, value), side in zip(parts_of(index_map()).items(), SIZE, strict=True)
    }
    after = applied(apply, IndexMap(before["rows"], before["columns"], PLACES))
    for name, value in after.items():
        expect(
            torch.equal(value, before[name].gather(1, own[name])),
            f"the {name} of the map that it is given are lost or mixed up: gather from them",
        )


def stated_changes(subject: Subject) -> set[str]:
    """The changes of labels' meaning that tags or options state."""
    stated = {tag for tag in subject.component.spec.tags if tag in AUGMENTATIONS}
    model = subject.component.options_model()
    for field in model.model_fields.values() if model is not None else ():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and isinstance(extra.get("changes"), str):
            stated.add(str(extra["changes"]))
    return stated


def changes_stated(subject: Subject) -> None:
    """What mirrors, turns or moves images says so by a tag, or by ``changes`` of an option."""
    if "mixing" in subject.component.spec.tags:
        raise NotApplicable("it mixes images")
    given, apply = example(subject), drawn(subject)
    if is_geometric(subject):
        found = applied(apply, given)
        x = images()
        number = torch.arange(len(x))[:, None, None]
        after = x.permute(0, 2, 3, 1)[number, found["rows"][:, :, None], found["columns"][:, None]].permute(
            0, 3, 1, 2
        )
    else:
        x, after = given.images, applied(apply, given)["images"]
    stated = stated_changes(subject)
    for name in seen_changes(x, after):
        expect(name in stated, f"it does a {name.replace('-', ' ')} and does not say so: tag '{name}'")


def seen_changes(x: Tensor, after: Tensor) -> set[str]:
    """Which of the changes some image went through exactly, but for its border."""
    seen = set()
    for name, dims in (("horizontal-flip", (3,)), ("vertical-flip", (2,)), ("rotation", (2, 3))):
        if (after == x.flip(dims)).flatten(1).all(1).any():
            seen.add(name)
    height, width = x.shape[2:]
    for down in range(-3, 4):
        for right in range(-3, 4):
            inner = after[:, :, 3 : height - 3, 3 : width - 3]
            source = x[:, :, 3 + down : height - 3 + down, 3 + right : width - 3 + right]
            if (down or right) and (inner == source).flatten(1).all(1).any():
                seen.add("translation")
    return seen


def device(subject: Subject) -> None:
    """On another device it works there: what it drew on the processor is moved to the images."""
    if is_geometric(subject):
        raise NotApplicable("it is given maps, which are on the processor")
    apply = drawn(subject)

    def call(name: str) -> Any:
        given = batch()
        result = apply(
            Batch(
                torch.empty_like(given.images, device=name),
                torch.empty_like(given.targets, device=name),
                given.places,
            )
        )
        return result.images, result.targets

    try:
        expect_on_device(call)
    except ConformanceError as error:
        raise ConformanceError(
            str(error).replace("register_buffer, device=x.device", ".to(batch.images.device)")
        ) from error


CHECKS = (
    *exercised(exercise),
    shape,
    in_range,
    targets_kept,
    targets_follow,
    seed,
    own_draws,
    drawn_once,
    input_kept,
    by_place,
    independent_images,
    composes,
    changes_stated,
    device,
)
