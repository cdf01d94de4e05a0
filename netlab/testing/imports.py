"""What importing the modules of parts changes, in a fresh interpreter that has heavy libraries."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

PROBE = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
import numpy, torch, torchvision
try:
    import cv2
except ImportError:
    pass
from netlab.testing.imports import changed_by_import
found = {module: changed_by_import(module) for module in json.loads(sys.argv[2])}
print("\\n" + json.dumps(found))
"""
# Libraries change these as they are loaded (scikit-learn's data sets draw from Python's generator).
OF_LIBRARIES = frozenset(
    {"the environment", "sys.path", "the filters of warnings", "Python's random numbers"}
)


def changed_by_import(module: str) -> list[str]:
    """What the first import of a module changes, in words; nothing for one that can not be imported."""
    import importlib
    import warnings

    from netlab.testing.surroundings import changes_once

    silenced: list[bool] = []

    def load() -> None:
        try:
            importlib.import_module(module)
        except Exception:  # that it can not be imported is said by other checks
            return
        everything = ("ignore", None, Warning, None, 0)
        silenced.append(everything in warnings.filters)

    found: list[Any] = [name for name in changes_once(load) if name not in OF_LIBRARIES]
    return [*found, "the filters of warnings (it silences all)"] if any(silenced) else found


@functools.cache
def changed_by_imports(modules: tuple[str, ...], path: tuple[str, ...]) -> dict[str, list[str]]:
    """The same of several modules, in a process of their own; empty where that ended otherwise."""
    words: Sequence[str] = (sys.executable, "-c", PROBE, json.dumps(path), json.dumps(modules))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {}
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found
