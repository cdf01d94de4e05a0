"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk and rename it.

    Whatever happens, ``path`` holds its old content or all of the new one.

    Raises:
        OSError: the folder can not be written or the disk is full; the temporary file is removed.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~current_umask())
        Path(name).replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def current_umask() -> int:
    """The process's umask; reading it means setting it, for a moment."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make a rename durable; a no-op where folders can not be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def link_atomically(path: Path, second: Path) -> None:
    """Let ``second`` name the content that ``path`` has now, and keep it when ``path`` is written again.

    Nothing is done where ``path`` is not there, or the file system has no links.
    """
    new = second.with_name(f".{second.name}.link.tmp")
    with contextlib.suppress(OSError):
        new.unlink(missing_ok=True)
        os.link(path, new)
        new.replace(second)
        new.unlink(missing_ok=True)  # POSIX renames nothing where both are links of one file


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, readable by people."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows atomically; missing values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writes that a killed process did not finish."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()
