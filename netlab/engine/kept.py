"""What was made from files, kept on disk until one of those files changes.

Kept are what plugins declare, and what netlab answers where it only lists and explains. A value is believed
when its key is the same and its trace still holds: every file that was opened, every folder that was listed
and every module that was imported while it was made is as it was. (Build systems call it a verifying trace.)
What is damaged, somebody else's or of another format is not believed, and made again.

The start of every command imports this module: it needs little but json.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import time
import zlib

TYPE_CHECKING = False  # importing typing would cost as much as all that is here
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    Trace = dict[str, list[int] | None]

SWITCH = "NETLAB_PLUGIN_CACHE"  # 0: nothing is kept, and nothing that was kept is read
MOST = 100  # values of a sort; the oldest go
# A file that changed so shortly before it was read may change again within a tick of its clock, unseen.
SETTLED = 1_000_000_000  # nanoseconds
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
NO_FILES = ("/proc/", "/sys/", "/dev/")
LIBRARY = os.path.dirname(os.__file__)  # Python's own: its folder stands for its files


class Recording:
    """Which files are read from now until ``stop``, and how they were then: the trace.

    With ``log`` it is written there as it grows, for those who outlive this process.
    """

    def __init__(self, log: str | None = None) -> None:
        self.since = time.time_ns()
        self.trace: Trace = {}
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not _hooked:
            sys.addaudithook(_note)  # one for all: it can not be taken away again
            _hooked.append(True)
        self._add_modules()
        _active.append(self)

    def add(self, path: str) -> None:
        """A file or folder that counts, as it is now: call this before it is read."""
        path = os.path.abspath(source_of(path))
        if path not in self.trace and not path.startswith(NO_FILES):
            self.trace[path] = state(path)
            if self._log is not None:
                os.write(self._log, f"{json.dumps([path, self.trace[path]])}\n".encode())

    def _add_modules(self) -> None:
        for module in list(sys.modules.values()):
            if isinstance(file := getattr(module, "__file__", None), str):
                self.add(file)
        for place in sys.path:
            self.add(place)

    def stop(self) -> Trace:
        """What was read, with the modules that are loaded and the places where modules are looked for."""
        _active.remove(self)
        self._add_modules()
        return self.trace


_hooked: list[bool] = []
_active: list[Recording] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Hears of everything that Python is about to do."""
    if not _active or event not in ("open", "os.listdir", "os.scandir"):
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        return
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], bytes) else arguments[0]
    if isinstance(path, str):
        depend_on([path])


def depend_on(paths: Iterable[str]) -> None:
    """What is being recorded depends on these files, too, also where they are not there."""
    for path in paths:
        for recording in [*_active]:
            with unrecorded():  # a folder's state is read by listing it
                recording.add(path)


def depend_on_trace(trace: Trace) -> None:
    """What is being recorded depends on something that was made from these files."""
    for recording in _active:
        for path, then in trace.items():
            recording.trace.setdefault(path, then)


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """What is read meanwhile does not count."""
    active, _active[:] = [*_active], []
    try:
        yield
    finally:
        _active[:] = active


def source_of(path: str) -> str:
    """The source of a compiled module, which may be compiled anew; any other file itself."""
    folder, name = os.path.split(path)
    above, cache = os.path.split(folder)
    if cache == "__pycache__" and name.endswith(".pyc"):
        path = os.path.join(above, name.partition(".")[0] + ".py")
    return LIBRARY if path.startswith(LIBRARY) and "-packages" not in path else path


def state(path: str) -> list[int] | None:
    """What tells a changed file from an unchanged one; of a folder, its names; None where there is none."""
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            names = sorted(name for name in os.listdir(path) if name != "__pycache__")
            return [len(names), zlib.crc32("/".join(names).encode(errors="surrogateescape"))]
    except (OSError, ValueError):
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size]


def is_settled(then: list[int] | None, since: int) -> bool:
    """Whether a file was old enough when it was read after ``since``; a folder's names have no age."""
    return then is None or len(then) < 3 or max(then[:2]) < since - SETTLED


def kept(sort: str, key: dict[str, Any]) -> Any:
    """The value kept under ``key``, which JSON gives back as it is; None if there is none to be believed."""
    folder = kept_folder()
    if folder is None or not is_ours(folder):
        return None
    with unrecorded():
        entry = read_entry(file_of(folder, sort, key))
    if entry is None or entry["key"] != key:
        return None
    if any(state(path) != then for path, then in entry["trace"].items()):
        return None
    depend_on_trace(entry["trace"])
    return entry["value"]


def read_entry(path: str) -> dict[str, Any] | None:
    """What a file holds, if it is whole and of this format."""
    try:
        with open(path, encoding="ascii") as file:
            checksum, content = file.read().split("\n", 1)
        entry = json.loads(content) if int(checksum, 16) == zlib.crc32(content.encode()) else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not {"key", "trace", "value"} <= entry.keys():
        return None
    return entry if isinstance(entry["trace"], dict) else None


def keep(sort: str, key: dict[str, Any], value: Any, trace: Trace, since: int) -> None:
    """Keep a value that was made from files as ``trace`` has them, read after ``since``; or not, if in doubt.

    A full disk or a folder that can not be written is no error: the value is made again next time.
    """
    folder = kept_folder()
    if folder is None or not all(is_settled(then, since) for then in trace.values()):
        return
    content = json.dumps({"key": key, "trace": trace, "value": value})
    from pathlib import Path

    from netlab.files import write_text

    with unrecorded(), contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if is_ours(folder):
            write_text(Path(file_of(folder, sort, key)), f"{zlib.crc32(content.encode()):08x}\n{content}")
            remove_oldest(folder, sort)


def file_of(folder: str, sort: str, key: dict[str, Any]) -> str:
    """The file of a value. Keys that share one take it from each other: it holds the whole key."""
    return os.path.join(folder, f"{sort}-{zlib.crc32(json.dumps(key).encode()):08x}.json")


def remove_oldest(folder: str, sort: str) -> None:
    """Leave the newest ``MOST`` files of a sort."""
    with os.scandir(folder) as entries:
        files = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.startswith(sort)]
    for _, path in sorted(files)[:-MOST]:
        os.unlink(path)


def is_ours(folder: str) -> bool:
    """Whether nobody else can have written into a folder."""
    try:
        found = os.stat(folder)
    except OSError:
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def kept_folder() -> str | None:
    """Where values are kept; None where they are not to be."""
    folder = cache_folder()
    return None if os.environ.get(SWITCH) == "0" or not os.path.isabs(folder) else f"{folder}/kept"


def cache_folder() -> str:
    """``$NETLAB_CACHE``, else ``netlab`` in the user's cache folder."""
    if chosen := os.environ.get("NETLAB_CACHE"):
        return chosen
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "netlab")
