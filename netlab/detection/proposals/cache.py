"""Answers kept on disk: proposals of images, and features of their regions.

A key names everything that an answer depends on, so that a file is either right or not found. A file
that can not be read is computed again, with a warning. Nothing is unpickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netlab.data.cache import CacheWarning, array_digest, cache_key
from netlab.data.image_files import RGB
from netlab.errors import first_line
from netlab.files import write_atomically
from netlab.kinds.proposer import Proposals


def cached_proposals(
    folder: Path | None, image: RGB, settings: Mapping[str, Any], compute: Callable[[], Proposals]
) -> Proposals:
    """The proposals for ``image`` under ``settings``, from ``folder`` or computed and kept there.

    The key holds the digest of the image, the settings (proposer, distribution and version, options,
    sizes, seed) and the version of OpenCV, which resizes the image.
    """
    if folder is None:
        return compute()
    key = cache_key(image=array_digest(image), opencv=cv2.__version__, **settings)
    path = folder / "proposals" / key[:2] / f"{key}.npz"
    arrays = _read_npz(path)
    if arrays is not None and _are_proposals(arrays):
        return Proposals(arrays["boxes"], arrays["scores"])
    if arrays is not None:
        _warn(path, "its arrays are not proposals")
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: np.savez_compressed(file, boxes=found.boxes, scores=found.scores))
    return found


def cached_array(
    folder: Path | None, key: str, shape: tuple[int, ...], compute: Callable[[], NDArray[np.float16]]
) -> NDArray[np.float16]:
    """A float16 array of known ``shape``: mapped from ``folder``, or computed and kept there."""
    if folder is None:
        return compute()
    path = folder / key[:2] / f"{key}.npy"
    if path.is_file():
        try:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            if found.shape == shape and found.dtype == np.float16:
                return found
            _warn(path, f"it holds {found.dtype} {found.shape}")
        except Exception as error:  # NumPy parses the header as Python: errors of every kind
            _warn(path, first_line(error))
    array = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: np.save(file, array, allow_pickle=False))
    return array


def _read_npz(path: Path) -> dict[str, NDArray[Any]] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as packed:
            return {name: packed[name] for name in packed.files}
    except Exception as error:  # zip, deflate and NumPy's header each have errors of their own
        _warn(path, first_line(error))
        return None


def _are_proposals(arrays: Mapping[str, NDArray[Any]]) -> bool:
    boxes, scores = arrays.get("boxes"), arrays.get("scores")
    return (
        boxes is not None
        and scores is not None
        and boxes.dtype == scores.dtype == np.float32
        and boxes.ndim == 2
        and boxes.shape == (len(scores), 4)
        and bool(np.isfinite(boxes).all())
    )


def _warn(path: Path, reason: str) -> None:
    warnings.warn(f"cached file {path} is broken ({reason}); computed again", CacheWarning, stacklevel=3)
