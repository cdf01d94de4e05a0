"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import csv
import errno
import glob
import io
import json
import os
import platform
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from netlab.errors import UsageError

# `.NAME.MACHINE-PROCESS-RANDOM.tmp`: whose it is can be told, so that only what was left behind is removed.
TEMPORARY = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-\w+\.tmp")
DAY = 24 * 3600
# How file systems say that they make no link of a file.
NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
    errno.EINVAL,
)
BEGAN = time.time()


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk and rename it.

    Whatever happens, ``path`` holds its old content or all of the new one.

    Raises:
        OSError: the folder can not be written or the disk is full; the temporary file is removed.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path``, which takes its place if all goes well, and else is removed.

    Who fills it flushes it to the disk. Errors name ``path``: the temporary name would tell nobody anything.
    """
    temporary = None
    try:
        temporary = temporary_of(path)
        yield temporary
        put_in_place(temporary, path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError) and is_of(error.filename, path):
            error.filename, error.filename2 = str(path), None
        raise


def temporary_of(path: Path) -> Path:
    """A new empty file beside ``path``, to take its place by ``put_in_place``."""
    prefix = f".{path.name}.{this_machine()}-{os.getpid()}-"
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    return Path(name)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a file that is flushed to its place, and make that durable."""
    temporary.chmod(0o666 & ~current_umask())
    temporary.replace(path)
    sync_folder(path.parent)


def is_of(name: Any, path: Path) -> bool:
    """Whether an error's file name is none, or the temporary one of ``path``."""
    return name is None or (isinstance(name, str) and Path(name).name.startswith(f".{path.name}."))


def this_machine() -> str:
    """Eight digits that differ between machines that write into one folder."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def current_umask() -> int:
    """The process's umask; reading it means setting it, for a moment."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable; a no-op where folders can not be opened or flushed.

    Raises:
        OSError: the disk failed.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that flushes no folders
            error.filename = str(folder)
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there, to stay.

    Raises:
        OSError: it can not be made, or is no folder.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def refuse_link(path: Path) -> None:
    """Refuse a link where netlab makes a file or folder: what is written would land elsewhere.

    Raises:
        UsageError: ``path`` is one.
    """
    if path.is_symlink():
        raise UsageError(f"{path} is a link to elsewhere, and netlab writes through none: remove it")


def link_atomically(path: Path, second: Path) -> None:
    """Let ``second`` name the content that ``path`` has now, and keep it when ``path`` is written again.

    Where the file system has no links, it is copied. Nothing is done where ``path`` is not there.

    Raises:
        OSError: the folder can not be written, or the disk is full.
    """
    if not path.exists():
        return
    new = second.with_name(f".{second.name}.{this_machine()}-{os.getpid()}-link.tmp")
    try:
        new.unlink(missing_ok=True)
        os.link(path, new)
        new.replace(second)
    except OSError as error:
        if error.errno not in NO_LINKS:
            error.filename, error.filename2 = str(second), None
            raise
        write_atomically(second, lambda file: file.write(path.read_bytes()))
    finally:  # POSIX renames nothing where both are links of one file
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def json_text(value: Any) -> str:
    """JSON, readable by people.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; missing values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, readable by people."""
    write_text(path, json_text(value))


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows atomically; missing values are empty."""
    write_text(path, csv_text(columns, rows))


def write_output(path: Path, text: str) -> None:
    """Write a file that the user named, atomically, and clear what killed writes of it left beside it."""
    write_output_bytes(path, io.BytesIO(text.encode()))


def write_output_bytes(path: Path, content: IO[bytes]) -> None:
    """The same of bytes, which are copied from another file."""
    remove_leftovers(path.parent, f".{glob.escape(path.name)}.*.tmp")
    write_atomically(path, lambda file: shutil.copyfileobj(content, file))


def remove_leftovers(folder: Path, pattern: str = ".*.tmp") -> None:
    """Remove the temporary files that a killed process left: not those of one that lives."""
    with contextlib.suppress(OSError):
        for path in folder.glob(pattern):
            found = TEMPORARY.fullmatch(path.name)
            if found is not None and is_left(path, found["machine"], int(found["process"])):
                with contextlib.suppress(OSError):
                    path.unlink()


def is_left(path: Path, machine: str, process: int) -> bool:
    """Whether the process that writes a temporary file is gone; on another machine, a day says so."""
    if machine != this_machine():
        return time.time() - path.stat().st_mtime > DAY
    if process == os.getpid():  # containers count processes from 1
        return path.stat().st_mtime < BEGAN
    if os.name == "nt":  # where an open file can not be removed
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is another user's
        return False
    return False
