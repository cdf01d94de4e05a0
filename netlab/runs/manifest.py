"""``manifest.json``: a SHA-256 of every file that netlab wrote into a run's folder, compared at every read.

A file that is being replaced has two, that of what is there and that of what will be, so that whenever a
process is killed, every file is one that is listed. An empty text says that a file need not be there yet.
What netlab did not write (files of plugins, notes of yours) is not listed and may change; hidden files and
``features/`` hold nothing that is read later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import IO

import filelock

from netlab.errors import NetlabError
from netlab.files import refuse_link, write_atomically, write_json

MANIFEST = "manifest.json"
LOCK = ".manifest.lock"
FORMAT = "netlab-manifest-1"
ABSENT = ""
# What is made by training to the end, and made again when it goes on.
OUTCOME = ("result.json", "model.*", "plots/*.png", "plots/*.svg", "plots/*.csv")
KEPT = (
    "config.toml",
    "environment.json",
    "sessions.json",
    "interface.json",
    "split.json",
    "plan.json",
    "history.csv",
    "separability.json",
    "separability.csv",
    "checkpoints/*.safetensors",
    *OUTCOME,
)
FOLDERS = ("checkpoints", "plots")

Digests = dict[str, list[str]]  # by the name of a file in the folder, `/` between parts


def sha256(content: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """That of a file; an empty text where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ABSENT


def read_manifest(folder: Path) -> Digests | None:
    """The digests of a folder's files; None where there is no manifest.

    Raises:
        NetlabError: the manifest is damaged.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
        files = content["files"]
        if content["format"] != FORMAT or content["sha256"] != digest_of(files):
            raise ValueError("its content is not that of its digest")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NetlabError(
            f"{path} is damaged ({error}): without it the run is read unchecked, so delete it"
            " if you trust the other files"
        ) from None
    return dict(files)


def digest_of(files: object) -> str:
    """Of the list itself."""
    return sha256(json.dumps(files, sort_keys=True).encode())


def write_manifest(folder: Path, files: Mapping[str, list[str]]) -> None:
    """Write the manifest atomically."""
    listed = dict(sorted(files.items()))
    write_json(folder / MANIFEST, {"format": FORMAT, "files": listed, "sha256": digest_of(listed)})


def home_of(path: Path) -> tuple[Path, str]:
    """The folder whose manifest lists a file, and its name there."""
    if path.parent.name in FOLDERS:
        return path.parent.parent, f"{path.parent.name}/{path.name}"
    return path.parent, path.name


def read_checked(path: Path) -> bytes:
    """What a file of a run holds, if that is what netlab wrote.

    Raises:
        NetlabError: it is not, or the manifest is damaged.
        OSError: it can not be read.
    """
    content = path.read_bytes()
    if not is_listed(path, sha256(content)):
        content = path.read_bytes()  # it may just have been replaced
        if not is_listed(path, sha256(content)):
            raise changed(path)
    return content


def check_file(path: Path) -> None:
    """As ``read_checked``, of a file that need not fit the memory; one that is not there is no error."""
    for _ in range(2):  # it may just be replaced
        if not path.exists() or is_listed(path, file_sha256(path)):
            return
    raise changed(path)


def changed(path: Path) -> NetlabError:
    """What is said of a file that is not as it was written."""
    return NetlabError(
        f"{path} is damaged: it is not what netlab wrote (its SHA-256 is not that in {MANIFEST});"
        f" see 'netlab runs verify {home_of(path)[0]}'"
    )


def is_listed(path: Path, digest: str) -> bool:
    """Whether the manifest knows this content of a file, or does not know the file."""
    folder, name = home_of(path)
    files = read_manifest(folder)
    return files is None or name not in files or digest in files[name]


@contextmanager
def editing(folder: Path) -> Iterator[Digests | None]:
    """The digests of a folder, to be changed and written again; None where there is no manifest.

    Others that change them wait: a run may be measured while it is trained.
    """
    if not (folder / MANIFEST).exists():
        yield None
        return
    refuse_link(folder / LOCK)
    with filelock.FileLock(folder / LOCK):
        files = read_manifest(folder) or {}
        before = json.dumps(files)
        yield files
        if json.dumps(files) != before:
            write_manifest(folder, files)


def begin_manifest(folder: Path) -> None:
    """List what a run holds before a session goes on with it; its outcome will be another."""
    if not (folder / MANIFEST).exists():
        write_manifest(folder, {})
    with editing(folder) as files:
        assert files is not None
        for name, digests in list(files.items()):
            if matches(name, OUTCOME):
                del files[name]
            elif len(digests) > 1:  # a process was killed while it replaced the file
                files[name] = [file_sha256(folder / name)]


@contextmanager
def announced(folder: Path, digests: Mapping[str, str]) -> Iterator[None]:
    """Replace files of a folder, whose new digests are given: until that is done, both are theirs."""
    with editing(folder) as files:
        if files is not None:
            for name, digest in digests.items():
                present = files.get(name, ())
                if len(present) != 1:
                    present = [file_sha256(folder / name)]
                files[name] = list(dict.fromkeys([*present, digest]))
    yield
    with editing(folder) as files:
        if files is not None:
            files.update({name: [digest] for name, digest in digests.items()})


def write_checked(folder: Path, contents: Mapping[str, bytes | str]) -> None:
    """Write files into a folder, in this order, each atomically, and list them where there is a manifest."""
    found = {name: text.encode() if isinstance(text, str) else text for name, text in contents.items()}
    with announced(folder, {name: sha256(content) for name, content in found.items()}):
        for name, content in found.items():
            write_atomically(folder / name, partial(put, content))


def put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def forget(folder: Path, *patterns: str) -> None:
    """List files no more that will be written anew, or removed."""
    with editing(folder) as files:
        for name in list(files or {}):
            if files is not None and matches(name, patterns):
                del files[name]


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is meant by a name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def list_files(folder: Path, *patterns: str) -> None:
    """List files as they are there."""
    with editing(folder) as files:
        if files is not None:
            names = [name for pattern in patterns for name in found_by(pattern, folder)]
            files.update({name: [file_sha256(folder / name)] for name in names})


def found_by(pattern: str, folder: Path) -> list[str]:
    """The names of files in a folder, but for hidden ones."""
    return [
        path.relative_to(folder).as_posix()
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".")
    ]
