"""Proposers that break one rule each."""

import numpy as np

from netlab.kinds.proposer import Proposals


def sound(image, limit):
    """Boxes that share the upper left corner, the whole image first: nothing is wrong with them."""
    height, width = image.shape[:2]
    boxes = [(0, 0, max(width // n, 1), max(height // n, 1)) for n in range(1, 5)]
    scores = [1.0, 0.5, 0.25, 0.125]
    return Proposals(np.array(boxes[:limit], np.float32), np.array(scores[:limit], np.float32))


def double_precision(image, *, limit, seed, options):
    """float64."""
    found = sound(image, limit)
    return Proposals(found.boxes.astype(np.float64), found.scores)


def one_pixel_over(image, *, limit, seed, options):
    """Counts the last pixel as inside."""
    found = sound(image, limit)
    if image.size > 3:
        found.boxes[:, 2] += 1
    return found


def worst_first(image, *, limit, seed, options):
    """Increasing scores."""
    found = sound(image, limit)
    return Proposals(found.boxes, found.scores[::-1].copy())


def random_scores(image, *, limit, seed, options):
    """Scores from the global generator."""
    found = sound(image, limit)
    return Proposals(found.boxes, np.sort(np.random.random(len(found)).astype(np.float32))[::-1].copy())


def ignores_limit(image, *, limit, seed, options):
    """Always four."""
    return sound(image, 4)


def fails_on_tiny(image, *, limit, seed, options):
    """Divides by the width less one."""
    assert 1 / (image.shape[1] - 1) > 0
    return sound(image, limit)


def fails_on_grey(image, *, limit, seed, options):
    """Divides by the spread of the colours."""
    if image.size > 3 and int(np.ptp(image.astype(int), axis=-1).max()) == 0:
        raise ZeroDivisionError("no colour")
    return sound(image, limit)


def paints_the_image(image, *, limit, seed, options):
    """Blackens what it has seen."""
    found = sound(image, limit)
    image[:] = 0
    return found
