"""Reading images: every kind becomes uint8 RGB (H, W, 3), turned upright."""

from __future__ import annotations

import contextlib
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from netlab.errors import NetlabError, first_line

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm"})
LARGEST_PIXELS = 100_000_000

RGB = NDArray[np.uint8]

OPENING = threading.Lock()


class ImageError(NetlabError):
    """An image that can not be read; the message names the file."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The image in ``path``, nothing of it decoded yet.

    Raises:
        ImageError: it is missing or can not be read. Decoders raise whatever they like of a damaged file:
            within the context all of it becomes this one error, so that of many files only this is lost.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe, from which nothing ever comes
            raise ImageError(f"{path} is no file")
        with OPENING, warnings.catch_warnings():  # filters are the process's: one thread at a time
            # Pillow warns of large images below its own limit; ours decides.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            _check_size(path, image.size)
            yield image
    except FileNotFoundError:
        raise ImageError(f"there is no image {path}") from None
    except UnidentifiedImageError:
        raise ImageError(f"{path} is not an image that can be read") from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(f"{path} is damaged: {first_line(error)}") from None


def read_image(path: Path) -> RGB:
    """The image in ``path`` as uint8 RGB (H, W, 3), turned as its EXIF orientation says.

    Grey becomes three equal channels, 16 bits become the upper 8, transparency is laid on white, and
    of an animation the first frame is taken.

    Raises:
        ImageError: the file is missing, damaged, cut short, no image, or over 100 megapixels.
    """
    with opened(path) as image:
        return rgb_of_image(ImageOps.exif_transpose(image))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of the image in ``path``, turned upright, without decoding its pixels.

    Raises:
        ImageError: as ``read_image``, but damage in the pixels is not noticed.
    """
    with opened(path) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > LARGEST_PIXELS:
        raise ImageError(f"{path} has {size[0]} x {size[1]} pixels; at most {LARGEST_PIXELS:,} are read")


def rgb_of_image(image: Image.Image) -> RGB:
    """A PIL image of any mode as uint8 RGB (H, W, 3)."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        if image.mode.startswith("I;16") or values.max(initial=0) > 255:
            values = np.asarray(values, np.int64) >> 8
        grey = np.clip(values, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"), np.uint8)
