"""Asks other people's plugins what they declare, in a process that is watched, and keeps what they say.

So a plugin that takes long, prints, leaves or never returns while it is imported reaches no list and no help
text: it is asked once, and again when one of the files that were read meanwhile has changed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from netlab import __version__
from netlab.engine import kept
from netlab.engine.declaration import Declaration, Problem
from netlab.engine.declaring import declared
from netlab.engine.file_plugins import FileEntryPoint, file_points, is_plugin_file
from netlab.engine.watched_process import (
    FROM_OUTSIDE,
    how_it_ended,
    lines_to,
    read_lines,
    run_watched,
    time_limit,
)
from netlab.errors import PluginError

LIMIT = "NETLAB_PLUGIN_TIMEOUT"  # seconds that the plugins of a distribution may take to be imported
ASKED = "NETLAB_PLUGIN_ASKED"  # set in the process that asks


def watched(points: Sequence[EntryPoint]) -> list[tuple[Declaration, bool]]:
    """What the plugins of a distribution declare: as it was kept, or asked for, and whether it was.

    Raises:
        UsageError: the limit that is set is no time.
    """
    limit = time_limit(LIMIT, 10)
    key = key_of(points, limit)
    with contextlib.suppress(TypeError, ValueError, KeyError, AttributeError, PluginError):
        found = [Declaration.from_json(plain) for plain in kept.kept("declarations", key) or ()]
        if len(found) == len(points):
            return [(declaration, False) for declaration in found]
    if ASKED in os.environ:  # a plugin asks for all plugins while it is itself being asked
        return [(Declaration(), False) for _ in points]
    since = time.time_ns()
    trace = {path: kept.state(path) for path in metadata_files(points[0])}
    try:
        with kept.unrecorded():  # files of the question
            found, lasting = asked(points, limit, trace)
    except OSError:  # no process, or no place for its files
        return [(declared(point), True) for point in points]
    kept.depend_on_trace(trace)
    if lasting:
        plain = [declaration.to_json() for declaration in found]
        kept.keep("declarations", key, plain, trace, since)
    return [(declaration, True) for declaration in found]


def key_of(points: Sequence[EntryPoint], limit: float) -> dict[str, Any]:
    """On what besides files it depends what the plugins of a distribution say."""
    return {
        "netlab": __version__,
        "python": [sys.version, sys.executable],
        "path": sys.path,
        "limit": limit,
        "distribution": [str(getattr(points[0].dist, attribute, "?")) for attribute in ("_path", "version")],
        "plugins": described(points),
    }


def described(points: Sequence[EntryPoint]) -> list[list[str]]:
    """Entry points as data."""
    return [[point.name, point.value, point.group] for point in points]


def metadata_files(point: EntryPoint) -> set[str]:
    """The files that an installer writes anew with a distribution."""
    folder = getattr(point.dist, "_path", None)  # no public attribute says where it is installed
    return set() if folder is None else {str(folder / n) for n in ("RECORD", "METADATA", "entry_points.txt")}


def asked(points: Sequence[EntryPoint], limit: float, trace: kept.Trace) -> tuple[list[Declaration], bool]:
    """What plugins declare, and whether they would do so again; the files that were read go into ``trace``.

    Where one of them ends the process that asks, or has to be stopped, the next process asks the rest.
    """
    found: list[Declaration] = []
    lasting = True
    while len(found) < len(points):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            request = {"limit": limit, "plugins": described(points[len(found) :])}
            code = run_watched(__name__, request, folder, limit, progress=folder / "begun")
            found += [Declaration.from_json(plain) for plain in read_lines(folder / "declarations")]
            trace.update(read_lines(folder / "read"))
            if len(found) < len(points):
                printed = (folder / "printed").read_text(errors="replace")[-5000:]
                found.append(Declaration(fatal=Problem("import", why_ended(code, limit), printed)))
                lasting = lasting and (code is None or -code not in FROM_OUTSIDE)
    return found, lasting


def why_ended(code: int | None, limit: float) -> str:
    """What became of the process that asked; None where it was stopped."""
    if code is None:
        return f"it was not imported within {limit:g} s ({LIMIT} sets the limit)"
    return f"it {how_it_ended(code)} while it was imported"


def answer(request: dict[str, Any], folder: Path) -> None:
    """In the process that asks: write what each plugin declares as soon as it has."""
    import faulthandler

    kept.Recording(log=str(folder / "read"))
    faulthandler.enable()  # what kills or stops it is seen in what it printed
    faulthandler.dump_traceback_later(request["limit"] / 2)
    os.environ[ASKED] = "1"
    with lines_to(folder / "declarations") as write, lines_to(folder / "begun") as begin:
        for name, value, group in request["plugins"]:
            point = file_points([value])[0] if is_plugin_file(value) else EntryPoint(name, value, group)
            if isinstance(point, FileEntryPoint) and point.file.needs_torch:
                importlib.import_module("torch")  # its seconds are not the plugin's
            begin(name)
            write(declared(point).to_json())
    os._exit(0)  # whatever threads and exit functions the plugins have left
