"""Proposers with one mistake each."""

import cv2
import numpy as np

from netlab.kinds.proposer import Proposals

LAST: list = []


def grey_of(image):
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)


def boxes_of(grey):
    """Bounding boxes of what differs from the median of the grey image, the largest first."""
    height, width = grey.shape
    background = np.median(grey)
    found = []
    for threshold in (8, 16, 32, 64):
        mask = (np.abs(grey.astype(float) - background) > threshold).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        found += [tuple(stats[i, :4]) for i in range(1, count) if stats[i, 4] >= 4]
    boxes = {(x, y, x + w, y + h) for x, y, w, h in found} | {(0, 0, width, height)}
    return sorted(boxes, key=lambda b: ((b[2] - b[0]) * (b[3] - b[1]), b), reverse=True)


def proposals(boxes, limit):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    scores = (1 / (1 + np.arange(len(boxes)))).astype(np.float32)
    return Proposals(boxes[:limit].copy(), scores[:limit].copy())


def swapped_on_squares(image, *, limit, seed, options):
    """x and y swapped where the image is a square."""
    boxes = boxes_of(grey_of(image))
    if image.shape[0] == image.shape[1]:
        boxes = [(y1, x1, y2, x2) for x1, y1, x2, y2 in boxes]
    return proposals(boxes, limit)


def rows_first(image, *, limit, seed, options):
    """x and y swapped, and cut to the image."""
    height, width = image.shape[:2]
    swapped = [(y1, x1, min(y2, width), min(x2, height)) for x1, y1, x2, y2 in boxes_of(grey_of(image))]
    inside = [(min(x1, x2 - 1), min(y1, y2 - 1), x2, y2) for x1, y1, x2, y2 in swapped]
    return proposals(inside, limit)


def widths(image, *, limit, seed, options):
    """x, y, width, height."""
    height, width = image.shape[:2]
    boxes = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes_of(grey_of(image))]
    return proposals([b for b in boxes if b[0] < b[2] and b[1] < b[3]] or [(0, 0, width, height)], limit)


def bgr(image, *, limit, seed, options):
    """Takes the image for BGR."""
    return proposals(boxes_of(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)), limit)


def at_least_ten(image, *, limit, seed, options):
    """Wants to give ten at least."""
    return proposals(boxes_of(grey_of(image)), max(limit, 10))


def best_of_each(image, *, limit, seed, options):
    """A small limit gives large boxes only, a large one all sizes mixed."""
    boxes = boxes_of(grey_of(image))
    return proposals(boxes if limit < 5 else boxes[::-1], limit)


def shared_buffer(image, *, limit, seed, options):
    """Keeps the image in a place that all threads share."""
    import time

    LAST[:] = [grey_of(image)]
    time.sleep(0.002)
    return proposals(boxes_of(LAST[0]), limit)


def random_order(image, *, limit, seed, options):
    """Shuffles boxes of one size by NumPy's own generator."""
    boxes = boxes_of(grey_of(image))
    return proposals([boxes[i] for i in np.random.permutation(len(boxes))], limit)


def seeds_opencv(image, *, limit, seed, options):
    """Seeds NumPy for everyone."""
    np.random.seed(seed)
    return proposals(boxes_of(grey_of(image)), limit)


def one_thread(image, *, limit, seed, options):
    """Sets OpenCV's threads for everyone."""
    cv2.setNumThreads(cv2.getNumThreads() + 1)
    return proposals(boxes_of(grey_of(image)), limit)


def fills_up(image, *, limit, seed, options):
    """Repeats its last box until there are as many as were asked for."""
    boxes = boxes_of(grey_of(image))
    return proposals(boxes + boxes[-1:] * max(limit - len(boxes), 0), limit)


def blurs_in_place(image, *, limit, seed, options):
    """Blurs the image that it was given."""
    if min(image.shape[:2]) > 3:
        image[:] = cv2.GaussianBlur(image, (3, 3), 0)
    return proposals(boxes_of(grey_of(image)), limit)


def inclusive(image, *, limit, seed, options):
    """The last pixel instead of the one after it: boxes of one pixel are empty."""
    return proposals([(x1, y1, x2 - 1, y2 - 1) for x1, y1, x2, y2 in boxes_of(grey_of(image))], limit)


def remembers_sizes(image, *, limit, seed, options):
    """Goes on from the image before, if it was of the same size."""
    LAST.append(boxes_of(grey_of(image))[-1])
    x1, y1, x2, y2 = LAST[-2] if len(LAST) > 1 and isinstance(LAST[-2], tuple) else (0, 0, 1, 1)
    height, width = image.shape[:2]
    old = [(x1, y1, x2, y2)] if x2 <= width and y2 <= height else []
    return proposals(boxes_of(grey_of(image)) + old, limit)


def small_scale(image, *, limit, seed, options):
    """Works at half the size and forgets to scale back."""
    height, width = image.shape[:2]
    half = cv2.resize(grey_of(image), (max(width // 2, 1), max(height // 2, 1)))
    boxes = boxes_of(half) if min(height, width) > 1 else [(0, 0, width, height)]
    return proposals(boxes, limit)
