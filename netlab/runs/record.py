"""A run directory, read for comparing and reporting: what is damaged is named, the rest is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from netlab.errors import NetlabError, first_line
from netlab.runs.config import read_config
from netlab.runs.directory import RunDirectory, is_detector
from netlab.runs.history import read_history
from netlab.runs.separability import read_separability

Read = TypeVar("Read")


Repetition = tuple[int, int]  # seed and fold


@dataclass(frozen=True, slots=True)
class Record:
    """What a training left. An unfinished one has no ``result``; ``problems`` are one line a damaged file."""

    directory: RunDirectory
    config: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def finished(self) -> bool:
        return bool(self.result)


@dataclass(frozen=True, slots=True)
class RunRecord(Record):
    """What the run of a network left."""

    separability: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seed(self) -> int:
        return int(self.config["training"]["seed"])

    @property
    def repetition(self) -> Repetition:
        """What may differ among runs of one configuration."""
        return self.seed, int(self.config["training"].get("fold", 0))


class Attempts:
    """Reads files; what is damaged is kept in ``problems``, one line each."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __call__(self, read: Callable[[], Read], otherwise: Read) -> Read:
        """What ``read`` gives, or ``otherwise``."""
        try:
            return read()
        except (NetlabError, OSError) as error:
            self.problems.append(first_line(error))
            return otherwise


def read_record(directory: RunDirectory) -> RunRecord:
    """Read all files of a run.

    Raises:
        NetlabError: its configuration is damaged, so that nobody can say what was run.
    """
    if is_detector(directory):
        raise NetlabError(f"'{directory.name}' is a detector, not a network: left out (see netlab report)")
    config = read_config(directory.config)
    attempt = Attempts()
    environment: dict[str, Any] = (
        attempt(directory.read_environment, {}) if directory.environment.exists() else {}
    )
    history: list[dict[str, float]] = attempt(lambda: read_history(directory.history), [])
    result: dict[str, Any] = attempt(directory.read_result, {}) if directory.is_finished else {}
    if result and not isinstance(result.get("test_accuracy"), int | float):
        attempt.problems.append(f"{directory.result} is damaged: it has no test_accuracy")
        result = {}
    separability: list[dict[str, Any]] = attempt(lambda: read_separability(directory.separability), [])
    return RunRecord(directory, config, environment, history, result, tuple(attempt.problems), separability)


def read_records(directories: list[RunDirectory]) -> tuple[list[RunRecord], list[str]]:
    """The records of the runs that can be read, and one line for everything that is wrong."""
    records, notes = [], []
    for directory in directories:
        try:
            record = read_record(directory)
            int(record.config["training"]["seed"])
        except (NetlabError, OSError) as error:
            notes.append(first_line(error))
            continue
        except (KeyError, TypeError, ValueError):
            notes.append(f"{directory.config} is damaged: it has no training.seed")
            continue
        notes += record.problems
        records.append(record)
    return records, notes
