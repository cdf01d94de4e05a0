"""Checks of proposers. Contract: ``netlab.kinds.proposer``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netlab.errors import first_line
from netlab.kinds.proposer import Proposals
from netlab.testing.checks import ConformanceError, Subject, expect

HEIGHT, WIDTH = 60, 80
MANY = 200


def photograph(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A smooth background with three plain shapes and a little noise, uint8 RGB (height, width, 3)."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 2, columns * 2, rows + columns], axis=-1) % 256
    image[10:30, 12:40] = (200, 30, 40)
    image[35:55, 45:75] = (20, 180, 60)
    disc = (rows - 20) ** 2 + (columns - 60) ** 2 < 100
    image[disc] = (30, 60, 220)
    noise = np.random.default_rng(0).integers(-4, 5, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def propose(subject: Subject, image: NDArray[np.uint8], *, limit: int = MANY, seed: int = 0) -> Proposals:
    """What the component proposes."""
    found = subject.build(image.copy(), limit=limit, seed=seed)
    expect(isinstance(found, Proposals), f"it gave {type(found).__name__}, not Proposals")
    assert isinstance(found, Proposals)
    return found


def arrays(subject: Subject) -> None:
    """Boxes are float32 (N, 4) and scores float32 (N,), finite; N is at least 1 on a photograph."""
    found = propose(subject, photograph())
    for name, array in (("boxes", found.boxes), ("scores", found.scores)):
        expect(isinstance(array, np.ndarray), f"{name} is {type(array).__name__}, not an array")
        expect(array.dtype == np.float32, f"{name} is {array.dtype}, expected float32")
        expect(np.isfinite(array).all(), f"{name} is not finite")
    shapes = found.boxes.shape, found.scores.shape
    expect(
        len(shapes[0]) == 2 and shapes[0][1] == 4 and shapes[1] == shapes[0][:1],
        f"boxes {shapes[0]} and scores {shapes[1]}; expected (N, 4) and (N,)",
    )
    expect(len(found.scores) > 0, "it proposed nothing on an image with three shapes")


def inside_the_image(subject: Subject) -> None:
    """0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height."""
    boxes = propose(subject, photograph()).boxes.reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    good = (x1 >= 0) & (x1 < x2) & (x2 <= WIDTH) & (y1 >= 0) & (y1 < y2) & (y2 <= HEIGHT)
    expect(
        good.all(), f"box {boxes[~good][:1].tolist()} is not inside the image of {WIDTH} x {HEIGHT}, or empty"
    )


def best_first(subject: Subject) -> None:
    """Scores do not increase."""
    scores = propose(subject, photograph()).scores
    expect((np.diff(scores) <= 0).all(), "the scores increase somewhere: best first")


def repeatable(subject: Subject) -> None:
    """The same image and seed give the same proposals, whatever was asked in between."""
    first = propose(subject, photograph())
    propose(subject, photograph()[:, ::-1], seed=5)
    second = propose(subject, photograph())
    same = np.array_equal(first.boxes, second.boxes) and np.array_equal(first.scores, second.scores)
    expect(same, "asked twice for the same image and seed, it gave different proposals")


def limit_is_a_prefix(subject: Subject) -> None:
    """``limit=k`` gives at most k, the first k of a larger limit."""
    many = propose(subject, photograph())
    expect(len(many) <= MANY, f"limit={MANY} gave {len(many)} proposals")
    limit = max(len(many) // 2, 1)
    few = propose(subject, photograph(), limit=limit)
    expect(len(few) <= limit, f"limit={limit} gave {len(few)} proposals")
    expected = many.boxes[:limit]
    expect(
        np.array_equal(few.boxes, expected), f"limit={limit} does not give the first {limit} of {len(many)}"
    )


def tiny_image(subject: Subject) -> None:
    """An image of 1 x 1 gives no error; its proposals, if any, are the whole pixel."""
    image = np.full((1, 1, 3), 127, np.uint8)
    try:
        boxes = propose(subject, image).boxes
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(f"an image of 1 x 1: {first_line(error)}") from error
    expect((boxes.reshape(-1, 4) == (0, 0, 1, 1)).all(), f"an image of 1 x 1 gave {boxes.tolist()}")


def grey_image(subject: Subject) -> None:
    """An image without any colour, and one of a single grey, give no error."""
    grey = np.repeat(photograph().mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    for name, image in (("a grey image", grey), ("a plain image", np.full_like(grey, 127))):
        try:
            propose(subject, image)
        except ConformanceError:
            raise
        except Exception as error:
            raise ConformanceError(f"{name}: {first_line(error)}") from error


def input_unchanged(subject: Subject) -> None:
    """The image is not changed."""
    image = photograph()
    subject.build(image, limit=MANY, seed=0)
    expect(np.array_equal(image, photograph()), "it changed the image that it was given")


CHECKS = (
    arrays,
    inside_the_image,
    best_first,
    repeatable,
    limit_is_a_prefix,
    tiny_image,
    grey_image,
    input_unchanged,
)
