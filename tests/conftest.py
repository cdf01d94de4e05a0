"""What all tests share. One thread: the networks are tiny, and results then depend on no machine."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("COLUMNS", "80")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netlab.cli.app import main
from netlab.engine.catalog import Catalog
from netlab.engine.manager import PluginManager

SHARED = Path(__file__).parents[1].parent / "shared"


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["NETLAB_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The installed parts."""
    return Catalog(PluginManager.from_environment())


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Call ``netlab`` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: Any) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        code = leaving.value.code
        return Outcome(code if isinstance(code, int) else 1, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def shared() -> Path:
    """The optional folder of real data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the optional folder ../shared is not there")
    return SHARED


# A run that takes a second: the smallest images that the skeleton takes, four channels.
TINY = (
    "--data.size", "24", "--width", "4", "--epochs", "2", "--batch-size", "128", "--precision", "fp32",
)  # fmt: skip


def unlisted(run: Path) -> Path:
    """A run whose manifest is gone: what tests write into it by hand is then read as it is."""
    (run / "manifest.json").unlink()
    return run


@pytest.fixture
def tiny() -> tuple[str, ...]:
    return TINY
