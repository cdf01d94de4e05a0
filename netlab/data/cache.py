"""Where computed things are kept between calls, and under which name; tensors that are read only if whole.

A key names everything that an answer depends on, so that a file is either right or not found. A file
that can not be read is computed again, with a warning. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.files import write_atomically

MOST_BYTES = 4 * 2**30  # of a folder of tensors: beyond, those that were not used for longest go


class CacheWarning(UserWarning):
    """A cached file was broken and is computed again."""


def default_cache_folder() -> Path:
    """``$NETLAB_CACHE``, else ``netlab`` in the user's cache folder."""
    if chosen := os.environ.get("NETLAB_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netlab"


def array_digest(array: NDArray[Any]) -> str:
    """A digest of the values, type and shape of an image or another array."""
    digest = hashlib.blake2b(f"{array.dtype} {array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def cache_key(**parts: Any) -> str:
    """A digest of named values that JSON can hold."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def cached_tensors(
    folder: Path | None, key: str, compute: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Named tensors from ``folder``, or computed and kept there; to the bit the same either way.

    A digest stands in the file and is compared, so that a damaged one is computed again.
    """
    if folder is None:
        return compute()
    path = folder / key[:2] / f"{key}.safetensors"
    if path.is_file():
        found = read_tensors(path)
        if found is not None:
            with contextlib.suppress(OSError):
                os.utime(path)
            return found
    tensors = {name: value.detach().cpu().contiguous() for name, value in compute().items()}
    content = safetensors.torch.save(tensors, {"sha256": tensors_digest(tensors)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_room(folder, len(content))
        write_atomically(path, lambda file: file.write(content))
    except OSError as error:  # a full or read-only disk costs the time, not the run
        warnings.warn(f"{path} can not be kept: {error.strerror}", CacheWarning, stacklevel=2)
    return tensors


def read_tensors(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file, or None, with a warning, if it is not as it was written."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            if (file.metadata() or {}).get("sha256") == tensors_digest(tensors):
                return tensors
        reason = "its content is not that of its digest"
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        reason = str(error)
    warnings.warn(f"cached file {path} is broken ({reason}); computed again", CacheWarning, stacklevel=3)
    return None


def tensors_digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the name, type, shape and bytes of every tensor."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        if value.numel():
            digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def make_room(folder: Path, needed: int) -> None:
    """Remove the files that were not used for longest, so that ``needed`` bytes more stay in the limit."""
    files = [(path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*/*.safetensors")]
    total = needed + sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= MOST_BYTES:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
