"""Checks of proposers. Contract: ``netlab.kinds.proposer``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from netlab.detection.boxes import iou_matrix
from netlab.errors import first_line
from netlab.kinds.proposer import Proposals
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.scenes import SCENES, photograph, scene

MANY = 200
LIMITS = (1, 2, 7)
ENOUGH = 1000  # proposals that a drawn square may be among
FLOOR = 0.35  # the mean overlap (IoU) of the best proposals with drawn squares
SHARE = 0.6  # of the overlap on squares of several colours, where red and blue count unlike
SIZES = ((1, 40), (40, 1), (3, 5), (20, 150))  # height and width
THREADS = 4


def propose(subject: Subject, image: NDArray[np.uint8], *, limit: int = MANY, seed: int = 0) -> Proposals:
    """What the component proposes, of the types and shapes that the contract states."""
    found = subject.build(image.copy(), limit=limit, seed=seed)
    expect(isinstance(found, Proposals), f"it gave {type(found).__name__}, not Proposals")
    assert isinstance(found, Proposals)
    return found


def exercise(subject: Subject) -> None:
    """A photograph's proposals, as they should be."""
    found = propose(subject, photograph())
    expect_arrays(found)
    expect_inside(found, photograph())


def arrays(subject: Subject) -> None:
    """Boxes are float32 (N, 4) and scores float32 (N,), finite; N is at least 1 on a photograph."""
    found = propose(subject, photograph())
    expect_arrays(found)
    expect(len(found.scores) > 0, "it proposed nothing on an image with three shapes")


def expect_arrays(found: Proposals) -> None:
    """Types, shapes and finite numbers."""
    for name, array in (("boxes", found.boxes), ("scores", found.scores)):
        expect(isinstance(array, np.ndarray), f"{name} is {type(array).__name__}, not an array")
        expect(array.dtype == np.float32, f"{name} is {array.dtype}, expected float32")
        expect(np.isfinite(array).all(), f"{name} is not finite")
    shapes = found.boxes.shape, found.scores.shape
    expect(
        len(shapes[0]) == 2 and shapes[0][1] == 4 and shapes[1] == shapes[0][:1],
        f"boxes {shapes[0]} and scores {shapes[1]}; expected (N, 4) and (N,)",
    )


def inside_the_image(subject: Subject) -> None:
    """0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, for wide and tall images too."""
    for image in (photograph(), photograph(80, 60), *(scene(*SCENES[name], "mixed") for name in SCENES)):
        expect_inside(propose(subject, image), image)


def expect_inside(found: Proposals, image: NDArray[np.uint8]) -> None:
    """Boxes in the image, x before y."""
    height, width = image.shape[:2]
    boxes = found.boxes.reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    good = (x1 >= 0) & (x1 < x2) & (x2 <= width) & (y1 >= 0) & (y1 < y2) & (y2 <= height)
    expect(
        good.all(),
        f"box {boxes[~good][:1].tolist()} (x1, y1, x2, y2) is empty, or not inside the image of"
        f" {width} x {height}",
    )


def best_first(subject: Subject) -> None:
    """Scores do not increase."""
    scores = propose(subject, photograph()).scores
    expect((np.diff(scores) <= 0).all(), "the scores increase somewhere: best first")


def repeatable(subject: Subject) -> None:
    """The same image and seed give the same proposals, whatever was asked in between."""
    first = propose(subject, photograph())
    kept = first.boxes.copy(), first.scores.copy()
    propose(subject, photograph()[:, ::-1], seed=5)
    same_arrays = np.array_equal(first.boxes, kept[0]) and np.array_equal(first.scores, kept[1])
    expect(same_arrays, "a later call wrote into the proposals of an earlier one")
    second = propose(subject, photograph())
    same = np.array_equal(kept[0], second.boxes) and np.array_equal(kept[1], second.scores)
    expect(same, "asked twice for the same image and seed, it gave different proposals")


def in_threads(subject: Subject) -> None:
    """Four threads at once get what one after the other gets."""
    images = [scene(*SCENES[name], colours) for name in SCENES for colours in ("mixed", "red")]
    images += [photograph(), photograph()[:, ::-1]]
    alone = [propose(subject, image) for image in images]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(lambda image: propose(subject, image), images))
    for first, second in zip(alone, together, strict=True):
        same = np.array_equal(first.boxes, second.boxes) and np.array_equal(first.scores, second.scores)
        expect(same, "several threads at once got other proposals: something is shared between calls")


def limit_is_a_prefix(subject: Subject) -> None:
    """``limit=k`` gives at most k, the first k of a larger limit; k is 1, 2, 7 and half of them."""
    many = propose(subject, photograph())
    expect(len(many) <= MANY, f"limit={MANY} gave {len(many)} proposals")
    for limit in (*LIMITS, max(len(many) // 2, 1)):
        few = propose(subject, photograph(), limit=limit)
        expect(len(few) <= limit, f"limit={limit} gave {len(few)} proposals")
        same = np.array_equal(few.boxes, many.boxes[:limit]) and np.array_equal(
            few.scores, many.scores[:limit]
        )
        expect(same, f"limit={limit} does not give the first {limit} of {len(many)}")


def overlap(subject: Subject, colours: str) -> dict[str, float]:
    """By scene, the mean over its squares of the overlap with the best proposal."""
    found = {}
    for name, (size, squares) in SCENES.items():
        boxes = propose(subject, scene(size, squares, colours), limit=ENOUGH).boxes.reshape(-1, 4)
        expect(len(boxes), f"it proposed nothing on an image with {len(squares)} squares")
        best = iou_matrix(np.array(squares, np.float32), boxes).max(axis=1)
        found[name] = float(best.mean())
    return found


def drawn_squares(subject: Subject) -> None:
    """Proposals overlap squares that are drawn: on wide, tall and square images, by x1, y1, x2, y2."""
    for name, value in overlap(subject, "mixed").items():
        expect(
            value >= FLOOR,
            f"on a {name} image with three squares the best of {ENOUGH} proposals overlap them by"
            f" {value:.2f} on average, expected {FLOOR} at least: are x and y, corners and sizes, or scales"
            " mixed up?",
        )


def red_and_blue(subject: Subject) -> None:
    """Channels are red, green, blue: squares that are grey in a BGR image are found as well as others."""
    mixed, red = (overlap(subject, colours) for colours in ("mixed", "red"))
    for name, value in red.items():
        expect(
            value >= max(FLOOR, SHARE * mixed[name]),
            f"on a {name} image, squares that only RGB tells from the ground are overlapped by {value:.2f},"
            f" squares of all colours by {mixed[name]:.2f}: the image is RGB, not BGR",
        )


def few_duplicates(subject: Subject) -> None:
    """At least half of the proposals are different boxes."""
    for image in (photograph(), np.full((30, 40, 3), 127, np.uint8)):
        boxes = propose(subject, image).boxes.reshape(-1, 4)
        different = len(np.unique(boxes, axis=0))
        expect(2 * different >= len(boxes), f"of {len(boxes)} proposals only {different} are different boxes")


def tiny_image(subject: Subject) -> None:
    """Narrow images, and one of 1 x 1, give no error; the proposals of the latter are the whole pixel."""
    for height, width in SIZES:
        given = photograph(height, width)
        try:
            expect_inside(propose(subject, given), given)
        except ConformanceError:
            raise
        except Exception as error:
            raise ConformanceError(f"an image of {width} x {height}: {first_line(error)}") from error
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
    *exercised(exercise),
    arrays,
    inside_the_image,
    best_first,
    repeatable,
    in_threads,
    limit_is_a_prefix,
    drawn_squares,
    red_and_blue,
    few_duplicates,
    tiny_image,
    grey_image,
    input_unchanged,
)
