"""A process of its own for what a plugin does, and what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netlab.errors import UsageError

# What a person or the system did to a process, not the plugin in it.
FROM_OUTSIDE = (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGKILL", 0))
CODE = """
import json, os, sys
with open(os.path.join(sys.argv[1], "request")) as file:
    request = json.load(file)
sys.path[:] = request["path"]
from importlib import import_module
from pathlib import Path
import_module(request["module"]).answer(request, Path(sys.argv[1]))
"""


def time_limit(variable: str, otherwise: int) -> float:
    """The seconds that an environment variable allows.

    Raises:
        UsageError: its value is no time.
    """
    text = os.environ.get(variable) or str(otherwise)
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 1e6:
            return float(text)
    raise UsageError(f"{variable} is '{text}': expected seconds, such as {otherwise}")


def run_watched(
    module: str, request: Mapping[str, Any], folder: Path, limit: float, *, progress: Path | None = None
) -> int | None:
    """Call ``MODULE.answer(request, folder)`` in a process; its exit code, or None where it was stopped.

    Of ``request`` JSON must be able to hold all. The process has ``limit`` seconds, or so many since the file
    ``progress`` grew; what it started ends with it. What it prints is in ``folder / "printed"``.

    Raises:
        OSError: there is no process or no place for its files.
    """
    (folder / "request").write_text(json.dumps({**request, "module": module, "path": sys.path}))
    with (folder / "printed").open("wb") as printed:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", CODE, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=os.name == "posix",
        )
        try:
            return waited_for(child, limit, progress)
        finally:
            stop(child)


def waited_for(child: subprocess.Popen[bytes], limit: float, progress: Path | None) -> int | None:
    """The exit code of a process; None where it did not end in time."""
    size, since = 0, time.monotonic()
    while (left := limit - (time.monotonic() - since)) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(left if progress is None else min(left, 0.2))
        if progress is not None and progress.exists() and (now := progress.stat().st_size) > size:
            size, since = now, time.monotonic()
    return None


def stop(child: subprocess.Popen[bytes]) -> None:
    """End the process and all that it has started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def how_it_ended(code: int) -> str:
    """``killed its process (SIGSEGV)``, ``ended its process (exit code 0)``: by the exit code."""
    if code < 0:
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return f"killed its process ({name})"
    return f"ended its process (exit code {code})"


def read_lines(path: Path) -> list[Any]:
    """The values in a file, a line each; a last line that is not whole is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@contextlib.contextmanager
def lines_to(path: Path) -> Iterator[Any]:
    """A function that writes a value as a line at once, so that it outlives its process."""
    with path.open("ab", buffering=0) as file:
        yield lambda value: file.write(json.dumps(value).encode() + b"\n")
