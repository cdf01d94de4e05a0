"""Images as a program gives them: paths, arrays, tensors or PIL images, one after another as RGB."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from netlab.data.image_files import RGB, SUFFIXES, read_image, rgb_of_image
from netlab.data.image_sources import find_files, read_sources
from netlab.errors import NetlabError, UsageError

EXPECTED = (
    "expected a path, a PIL image, an array uint8 (H, W), (H, W, 3) or (N, H, W, 3),"
    " a tensor uint8 (C, H, W) or (N, C, H, W), or a list of these"
)


def given_images(given: Any, *, every: int = 1) -> Iterator[tuple[str, RGB]]:
    """(name, RGB uint8 (H, W, 3)) of every image in ``given``.

    A path may be that of a file, a folder or a video (of which every ``every``-th frame is taken), or a
    glob; it is the image's name. Images without one are called by their number, from 0. Arrays have their
    channels last, tensors first; grey ones become three equal channels.

    Of several files, one that can not be read is warned of and left out.

    Raises:
        UsageError: something is no image, or no file.
        NetlabError: no file can be read.
    """
    if isinstance(given, str | Path) and Path(given).suffix.lower() in SUFFIXES and Path(given).is_file():
        yield str(given), read_image(Path(given))
        return
    number, paths, read = 0, 0, 0
    for item in given_items(given):
        if isinstance(item, str | Path):
            paths += 1
            for named in images_of_path(item, every):
                read += 1
                yield named
        else:
            for pixels in pixels_of(item):
                yield str(number), pixels
                number += 1
    if paths and not read:
        raise NetlabError("none of the images can be read")


def given_items(given: Any) -> Iterable[Any]:
    """What is to be turned into images, one by one."""
    if isinstance(given, str | Path | np.ndarray | Tensor | Image.Image):
        return [given]
    if isinstance(given, Iterable):
        return given
    raise UsageError(f"{type(given).__name__} is no image: {EXPECTED}")


def images_of_path(path: str | Path, every: int) -> Iterator[tuple[str, RGB]]:
    """The images of a file, a folder, a glob or a video, as far as they can be read."""
    for source in read_sources(find_files([str(path)]), every=every):
        if source.pixels is None:
            warnings.warn(f"left out: {source.error or source.path}", stacklevel=2)
        else:
            frame = "" if source.frame is None else f", frame {source.frame}"
            yield f"{source.path}{frame}", source.pixels


def pixels_of(item: Any) -> Iterator[RGB]:
    """The images of an array, a tensor or a PIL image.

    Raises:
        UsageError: it has another dtype or shape.
    """
    if isinstance(item, Image.Image):
        yield rgb_of_image(item)
        return
    if isinstance(item, Tensor):
        array = item.detach().cpu().numpy()
        shaped = array[None] if array.ndim == 3 else array
        channels_last = shaped.transpose(0, 2, 3, 1) if shaped.ndim == 4 else None
    else:
        array = np.asarray(item) if isinstance(item, np.ndarray | np.generic) else np.empty(0, object)
        if array.ndim == 2:
            channels_last = array[None, :, :, None]
        elif array.ndim == 3:
            channels_last = array[None] if array.shape[-1] in (1, 3) else array[..., None]
        else:
            channels_last = array if array.ndim == 4 else None
    if array.dtype != np.uint8 or channels_last is None or channels_last.shape[-1] not in (1, 3):
        what = f"{array.dtype} {array.shape}" if array.dtype != object else type(item).__name__
        raise UsageError(f"{what} is no image: {EXPECTED}")
    for image in channels_last:
        yield np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
