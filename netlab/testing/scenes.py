"""Images that proposers are checked on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 60, 80
GROUND = (100, 100, 100)
# Red as bright as the ground where red and blue are taken for one another (.114 R + .587 G + .299 B = 100),
# and 47 grey levels brighter where they are not.
COLOURS = {
    "mixed": ((200, 30, 40), (20, 180, 60), (30, 60, 220)),
    "red": ((255, 121, 0), (255, 121, 0), (255, 121, 0)),
}
# Height and width; squares as x1, y1, x2, y2, none of which overlaps another when x and y are swapped.
SCENES: dict[str, tuple[tuple[int, int], Sequence[tuple[int, int, int, int]]]] = {
    "wide": ((72, 120), ((12, 9, 42, 39), (78, 36, 108, 66), (54, 6, 69, 21))),
    "tall": ((120, 72), ((9, 12, 39, 42), (36, 78, 66, 108), (6, 54, 21, 69))),
    "square": ((96, 96), ((56, 4, 86, 34), (24, 2, 44, 22), (72, 46, 92, 66))),
}


def scene(
    size: tuple[int, int], squares: Sequence[tuple[int, int, int, int]], colours: str
) -> NDArray[np.uint8]:
    """Squares on a grey ground, with a little noise, uint8 RGB (height, width, 3)."""
    image = np.full((*size, 3), GROUND, np.float64)
    for (x1, y1, x2, y2), colour in zip(squares, COLOURS[colours], strict=True):
        image[y1:y2, x1:x2] = colour
    image += np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


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
