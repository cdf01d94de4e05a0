"""The executors, each with two workers of one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netlab.executors.place import Place, open_executor
from netlab.executors.share import Share
from netlab.executors.slots import SlotExecutor

PLACES = {
    "local": Place(),
    "ray": Place("ray"),
    "submitit": Place("slurm", slurm=("cluster=local",)),
}


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


# One start of Ray for all tests that need it as it is.
@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], SlotExecutor]]:
    """An executor by name; the same one for all tests of a module."""
    made: dict[str, SlotExecutor] = {}

    def open_once(name: str) -> SlotExecutor:
        if name not in made:
            # The GPU is not there: Ray counts it, and the tasks see its name.
            share = Share(workers=2, threads=1, gpus=1, gpus_each=0.5 if name == "ray" else 1.0)
            made[name] = open_executor(PLACES[name], share, tmp_path_factory.mktemp("jobs"))
        return made[name]

    yield open_once
    for executor in made.values():
        executor.shutdown(cancel_futures=True)


@pytest.fixture(params=list(PLACES))
def executor(request: pytest.FixtureRequest, opened: Callable[[str], SlotExecutor]) -> SlotExecutor:
    """Each of the executors."""
    return opened(request.param)


def pid_in(path: Path) -> int:
    """The process that ``sleeper`` says it is."""
    return int(wait_for(lambda: path.exists() and path.read_text()))


def sleeper(path: Path) -> str:
    """A program that writes its process into a file and then sleeps.

    Workers import functions by name, and would not find those of a test module: tests submit ``exec``.
    """
    return f"""
import os, pathlib, time
path = pathlib.Path({str(path)!r})
path.with_suffix('.new').write_text(str(os.getpid()))
path.with_suffix('.new').rename(path)
time.sleep(600)
"""
