"""Reading images: every kind becomes uint8 RGB (H, W, 3), turned upright."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from netlab.errors import NetlabError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm"})
LARGEST_PIXELS = 100_000_000

RGB = NDArray[np.uint8]


class ImageError(NetlabError):
    """An image that can not be read; the message names the file."""


def read_image(path: Path) -> RGB:
    """The image in ``path`` as uint8 RGB (H, W, 3), turned as its EXIF orientation says.

    Grey becomes three equal channels, 16 bits become the upper 8, transparency is laid on white, and
    of an animation the first frame is taken.

    Raises:
        ImageError: the file is missing, damaged, cut short, no image, or over 100 megapixels.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images below its own limit; ours decides.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_size(path, image.size)
                return rgb_of_image(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise ImageError(f"there is no image {path}") from None
    except UnidentifiedImageError:
        raise ImageError(f"{path} is not an image that can be read") from None
    except ImageError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} is damaged: {' '.join(str(error).split())}") from None


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of the image in ``path``, turned upright, without decoding its pixels.

    Raises:
        ImageError: as ``read_image``, but damage in the pixels is not noticed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_size(path, image.size)
                turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
                return (image.height, image.width) if turned else image.size
    except FileNotFoundError:
        raise ImageError(f"there is no image {path}") from None
    except UnidentifiedImageError:
        raise ImageError(f"{path} is not an image that can be read") from None
    except ImageError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} is damaged: {' '.join(str(error).split())}") from None


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
