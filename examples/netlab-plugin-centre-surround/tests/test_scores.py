"""The score is the one of the paper, computed here pixel by pixel."""

import cv2
import numpy as np
import pytest
from netlab_centre_surround.centre_surround import centre_surround
from netlab_centre_surround.options import CentreSurroundOptions


def image_with_a_square():
    """A red square of 20 pixels on a noisy green ground, and its box."""
    noise = np.random.default_rng(0).integers(0, 30, (60, 90, 3))
    image = (noise + np.array([20, 150, 20])).astype(np.uint8)
    image[24:44, 40:60] = (200, 20, 20)
    return image, (40, 24, 60, 44)


def contrast(image, box, options):
    """The colour contrast of one window, with loops."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(int) * options.bins // 256
    x1, y1, x2, y2 = (int(value) for value in box)
    across = round((options.ring - 1) * (x2 - x1) / 2)
    down = round((options.ring - 1) * (y2 - y1) / 2)
    inside, ring = {}, {}
    for y in range(max(y1 - down, 0), min(y2 + down, image.shape[0])):
        for x in range(max(x1 - across, 0), min(x2 + across, image.shape[1])):
            histogram = inside if x1 <= x < x2 and y1 <= y < y2 else ring
            key = tuple(lab[y, x])
            histogram[key] = histogram.get(key, 0) + 1
    if not ring:
        return 0.0
    h = {key: count / sum(inside.values()) for key, count in inside.items()}
    g = {key: count / sum(ring.values()) for key, count in ring.items()}
    keys = h.keys() | g.keys()
    return sum((h.get(k, 0) - g.get(k, 0)) ** 2 / (h.get(k, 0) + g.get(k, 0)) for k in keys) / 2


@pytest.mark.parametrize("ring", [1.3, 2.0])
def test_every_score_is_that_of_the_paper(ring):
    image, _ = image_with_a_square()
    options = CentreSurroundOptions(ring=ring)
    found = centre_surround(image, limit=10_000, seed=0, options=options)
    for index in range(0, len(found), 97):
        assert found.scores[index] == pytest.approx(contrast(image, found.boxes[index], options), abs=1e-6)


def test_the_first_window_is_about_the_thing_of_another_colour():
    image, (x1, y1, x2, y2) = image_with_a_square()
    best = centre_surround(image, limit=1, seed=0, options=CentreSurroundOptions()).boxes[0]
    width = min(best[2], x2) - max(best[0], x1)
    height = min(best[3], y2) - max(best[1], y1)
    area = (best[2] - best[0]) * (best[3] - best[1]) + (x2 - x1) * (y2 - y1)
    assert width * height / (area - width * height) > 0.5
