"""One finished run for all tests of the front door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import netlab

# A second on one thread: the smallest images that the skeleton takes, four channels.
TINY: dict[str, Any] = {
    "data": "digits", "size": 24, "norm": "bn", "width": 4, "batch_size": 128, "precision": "fp32",
}  # fmt: skip


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, in which ``run`` is the first."""
    return tmp_path_factory.mktemp("front-door") / "runs"


@pytest.fixture(scope="session")
def run(runs: Path) -> netlab.Run:
    return netlab.train(**TINY, epochs=2, runs=runs, quiet=True)
