"""A run's directory: where its files are, in which state it is, and who may write to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import filelock

from netlab.errors import NetlabError, UsageError, closest
from netlab.files import (
    link_atomically,
    make_folder,
    refuse_link,
    remove_leftovers,
    sync_folder,
    write_atomically,
)
from netlab.runs.manifest import (
    announced,
    file_sha256,
    forget,
    put,
    read_checked,
    sha256,
)

PREVIOUS = ".previous"  # no run can be called so


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The paths of one run. ``result.json`` is written last: its presence means finished."""

    path: Path

    @property
    def name(self) -> str:
        return self.home.path.name

    @property
    def home(self) -> RunDirectory:
        """The run's own directory, also of what is kept aside in it."""
        return RunDirectory(self.path.parent) if self.path.name == PREVIOUS else self

    @property
    def previous(self) -> RunDirectory:
        """The finished run as it was before it is trained longer; there until that is finished too."""
        return RunDirectory(self.path / PREVIOUS)

    @property
    def to_read(self) -> RunDirectory:
        """Where who only reads finds it: the finished run, also while it is being trained longer."""
        return self.previous if not self.is_finished and self.previous.is_finished else self

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def sessions(self) -> Path:
        return self.path / "sessions.json"

    @property
    def interface(self) -> Path:
        return self.path / "interface.json"

    @property
    def history(self) -> Path:
        return self.path / "history.csv"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def separability(self) -> Path:
        return self.path / "separability.csv"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def earlier_checkpoint(self) -> Path:
        """That of the epoch before the last, for when the last is damaged."""
        return self.path / "checkpoints" / "earlier.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def exists(self) -> bool:
        return self.config.exists()

    @property
    def is_finished(self) -> bool:
        return self.result.exists()

    def create(self) -> None:
        """Make the folders, and clear them.

        Raises:
            UsageError: one is a link to elsewhere.
        """
        for folder in (self.path, self.path / "checkpoints", self.plots):
            if folder != self.path:  # which may be kept on another disk
                refuse_link(folder)
            make_folder(folder)
        self.clear()

    def clear(self) -> None:
        """Clear what killed processes left half-written, and of a finished run what they kept aside."""
        for folder in (self.path, self.path / "checkpoints", self.plots):
            if folder == self.path or not folder.is_symlink():
                remove_leftovers(folder)
        self.end_generation()

    def write_epoch(self, best: bytes | None, history: str, last: bytes) -> None:
        """Write what an epoch left, in this order, ``best`` where its weights are the best so far.

        The checkpoint before the last is kept. Killed in between, the run goes on from the older checkpoint.
        """
        contents = {self.history: history.encode(), self.last_checkpoint: last}
        if best is not None:
            contents = {self.best_checkpoint: best, **contents}
        digests = {self.name_of(path): sha256(content) for path, content in contents.items()}
        if self.last_checkpoint.exists():
            digests[self.name_of(self.earlier_checkpoint)] = file_sha256(self.last_checkpoint)
        with announced(self.path, digests):
            for path, content in contents.items():
                if path == self.last_checkpoint:
                    link_atomically(path, self.earlier_checkpoint)
                write_atomically(path, partial(put, content))

    def name_of(self, path: Path) -> str:
        """How the manifest calls a file of the run."""
        return path.relative_to(self.path).as_posix()

    def begin_generation(self) -> None:
        """Keep what is finished aside, whole, and count as unfinished from here on.

        The files are linked, not copied: each is replaced when it is written again, never changed.
        """
        if not self.is_finished:
            return
        new = self.path / f"{PREVIOUS}.new"
        for folder in (new, self.previous.path):
            shutil.rmtree(folder, ignore_errors=True)
        apart = shutil.ignore_patterns(".*", "features")
        shutil.copytree(self.path, new, copy_function=link_or_copy, ignore=apart)
        new.rename(self.previous.path)
        sync_folder(self.path)
        forget(self.path, self.result.name)
        self.result.unlink()

    def end_generation(self) -> None:
        """Forget the finished run that was kept aside: its successor is finished.

        So is what a process left that was killed while it did this, or while it kept the run aside, and the
        features that a detector was trained on.
        """
        if self.is_finished:
            for folder in (self.path / f"{PREVIOUS}.new", self.previous.path, self.path / "features"):
                shutil.rmtree(folder, ignore_errors=True)

    def read_result(self) -> dict[str, Any]:
        """``result.json``.

        Raises:
            NetlabError: the run is not finished, or the file is damaged.
        """
        return read_json_object(self.result, f"run '{self.name}' is not finished: it has no result.json")

    def read_environment(self) -> dict[str, Any]:
        """``environment.json``."""
        return read_json_object(self.environment, f"run '{self.name}' has no environment.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; the lock goes when the process ends, however it ends.

        Raises:
            UsageError: another process holds it.
        """
        make_folder(self.path)
        refuse_link(self.path / ".lock")
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise UsageError(
                f"another process is working on run '{self.name}': wait for it, or use another --name"
            ) from None
        try:
            yield
        finally:
            lock.release()


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file, or a copy where the file system knows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def check_name(name: str) -> None:
    """Refuse what is no name of one folder, whatever ``--name`` names.

    Raises:
        UsageError: saying what a name is.
    """
    plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and not name.startswith((".", "-"))
    if not name.strip() or not plain or len(name.encode(errors="replace")) > 200:
        raise UsageError(
            f"--name {name!a}: a name is one folder's name, of at most 200 bytes,"
            " without / \\ : * ? \" < > | and not beginning with '.' or '-'"
        )


def read_json_object(path: Path, missing: str) -> dict[str, Any]:
    """A JSON object from a file, or one clear error."""
    try:
        value = json.loads(read_checked(path))
    except FileNotFoundError:
        raise NetlabError(missing) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None
    if not isinstance(value, dict):
        raise NetlabError(f"{path} is damaged: it holds no object")
    return value


def is_detector(directory: RunDirectory) -> bool:
    """Whether a run directory is a detector's: its configuration has a table [detection]."""
    try:
        return "detection" in tomllib.loads(directory.config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def list_runs(folder: Path) -> list[RunDirectory]:
    """The run directories in ``folder``, oldest first; other files and folders are passed over."""
    if not folder.is_dir():
        return []
    found = [RunDirectory(path).to_read for path in folder.iterdir() if (path / "config.toml").is_file()]
    return sorted(found, key=lambda run: (run.config.stat().st_mtime_ns, run.name))


def newest_finished(folder: Path) -> RunDirectory:
    """The run of ``folder`` that was finished last.

    Raises:
        UsageError: there is none.
    """
    finished = [run for run in list_runs(folder) if run.is_finished]
    if not finished:
        raise UsageError(f"no finished run in '{folder}': train one with 'netlab run', or name it with --run")
    return max(finished, key=lambda run: run.result.stat().st_mtime_ns)


def find_run(text: str, folder: Path) -> RunDirectory:
    """The run that a user named: a path, or a name in the runs folder.

    Raises:
        UsageError: there is none of that name (with the closest).
    """
    for path in (Path(text), folder / text):
        if (path / "config.toml").is_file():
            return RunDirectory(path).to_read
    names = [run.name for run in list_runs(folder)]
    raise UsageError(f"there is no run '{text}' (a path, or a name in '{folder}').{closest(text, names)}")
