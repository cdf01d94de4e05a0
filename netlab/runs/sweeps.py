"""What is kept of a sweep: ``sweeps/NAME.json`` in the runs folder, with its runs and its baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from netlab.errors import NetlabError, UsageError, closest
from netlab.files import write_json
from netlab.runs.directory import RunDirectory, read_json_object


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep: its name, the names of its runs in the order of the grid, its baseline and command.

    ``baseline`` is what ``--baseline`` said, or None: the first assembly.
    """

    name: str
    runs: tuple[str, ...]
    baseline: str | None
    command: tuple[str, ...]

    def directories(self, folder: Path) -> list[RunDirectory]:
        """The directories of its runs that are there."""
        found = [RunDirectory(folder / run) for run in self.runs]
        return [run for run in found if run.exists]


def sweeps_folder(runs: Path) -> Path:
    """Where the records of a runs folder are."""
    return runs / "sweeps"


def write_sweep(record: SweepRecord, runs: Path) -> Path:
    """Write the record and give its path."""
    path = sweeps_folder(runs) / f"{record.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(record))
    return path


def read_sweep(name: str, runs: Path) -> SweepRecord:
    """The record of a sweep.

    Raises:
        UsageError: there is none of that name (with the closest).
        NetlabError: the file is damaged.
    """
    path = sweeps_folder(runs) / f"{name}.json"
    if not path.is_file():
        known = [found.stem for found in sorted(sweeps_folder(runs).glob("*.json"))]
        listed = f" Known: {', '.join(known)}." if known else " No sweep was made there."
        raise UsageError(f"there is no sweep '{name}' in '{runs}'.{closest(name, known) or listed}")
    value = read_json_object(path, f"there is no sweep '{name}'")
    try:
        return SweepRecord(
            name=str(value["name"]),
            runs=tuple(str(run) for run in value["runs"]),
            baseline=value["baseline"],
            command=tuple(str(word) for word in value["command"]),
        )
    except (KeyError, TypeError) as error:
        raise NetlabError(f"{path} is damaged: it lacks {error}") from None


def default_sweep_name(runs: Sequence[str]) -> str:
    """A name that is the same for the same runs."""
    return "sweep-" + hashlib.sha256("\n".join(sorted(runs)).encode()).hexdigest()[:6]
