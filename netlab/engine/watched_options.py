"""Imports the options of other people's parts in a process that is watched, before they are imported here.

So options that take long, leave or never return while they are imported are named, and cost their part only.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from netlab.engine import kept
from netlab.engine.declaration import Problem
from netlab.engine.declaring import problem
from netlab.engine.file_plugins import PACKAGE
from netlab.engine.plugin import Plugin
from netlab.engine.watched_process import FROM_OUTSIDE, lines_to, read_lines, run_watched, time_limit
from netlab.engine.watching import ASKED, LIMIT, key_of, metadata_files, why_ended


def problem_of(plugin: Plugin, target: str) -> Problem | None:
    """Why the module of a target can not be imported, as it was kept or is found out; None where it can.

    Raises:
        UsageError: the limit that is set is no time.
    """
    point, module = plugin.point, target.partition(":")[0]
    if point is None or ASKED in os.environ or module.startswith(f"{PACKAGE}."):
        return None
    return problems(point, modules_of(plugin)).get(module)


def modules_of(plugin: Plugin) -> list[str]:
    """The modules of all options of a plugin, that of its hooks' settings too."""
    targets = [spec.options for spec in plugin.components] + [plugin.settings]
    return sorted({target.partition(":")[0] for target in targets if target is not None})


def problems(point: EntryPoint, modules: Sequence[str]) -> dict[str, Problem]:
    """What is wrong with each of the modules that can not be imported."""
    limit = time_limit(LIMIT, 10)
    key = {**key_of([point], limit), "modules": [*modules]}
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        if (found := kept.kept("options", key)) is not None:
            return {module: Problem(**plain) for module, plain in found.items()}
    since = time.time_ns()
    trace = {path: kept.state(path) for path in metadata_files(point)}
    try:
        with kept.unrecorded():
            found, lasting = imported(modules, limit, trace)
    except OSError:  # no process, or no place for its files
        return {}
    kept.depend_on_trace(trace)
    if lasting:
        plain = {module: asdict(wrong) for module, wrong in found.items()}
        kept.keep("options", key, plain, trace, since)
    return found


def imported(modules: Sequence[str], limit: float, trace: kept.Trace) -> tuple[dict[str, Problem], bool]:
    """What is wrong with which module, and whether it would be so again; ``limit`` seconds for each.

    Where one ends the process that imports, or has to be stopped, the next process imports the rest.
    """
    found: dict[str, Problem] = {}
    lasting, done = True, 0
    while done < len(modules):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            request = {"limit": limit, "modules": [*modules[done:]]}
            code = run_watched(__name__, request, folder, limit, progress=folder / "imported")
            answers = read_lines(folder / "imported")
            trace.update(read_lines(folder / "read"))
            found |= {module: Problem(**plain) for module, plain in answers if plain is not None}
            done += len(answers)
            if done < len(modules):
                printed = (folder / "printed").read_text(errors="replace")[-5000:]
                found[modules[done]] = Problem("options", why_ended(code, limit), printed)
                lasting = lasting and (code is None or -code not in FROM_OUTSIDE)
                done += 1
    return found, lasting


def answer(request: dict[str, Any], folder: Path) -> None:
    """In the process: import each module, and write what is wrong with it as soon as that is known."""
    kept.Recording(log=str(folder / "read"))
    faulthandler.enable()  # what kills it is seen in what it printed
    os.environ[ASKED] = "1"
    with lines_to(folder / "imported") as write, contextlib.redirect_stdout(sys.stderr):
        for module in request["modules"]:
            wrong = None
            try:
                import_module(module)
            except BaseException as error:
                wrong = asdict(problem("options", error))
            write([module, wrong])
    os._exit(0)  # whatever threads and exit functions the plugins have left
