"""Which runs are meant: by name or path, those of a sweep, or all of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netlab.errors import UsageError
from netlab.runs.directory import RunDirectory, find_run, list_runs
from netlab.runs.sweeps import read_sweep

Chosen = tuple[list[RunDirectory], str | None]  # the directories, and the baseline that a sweep recorded


def choose_runs(names: Sequence[str], runs: Path, *, sweep: str | None = None) -> Chosen:
    """The runs called ``names``, or those of a sweep, or all in the folder ``runs``.

    Raises:
        UsageError: names and a sweep are given, or there is no run, or none of that name.
    """
    if sweep is not None:
        if names:
            raise UsageError("give runs or --sweep, not both")
        record = read_sweep(sweep, runs)
        directories = record.directories(runs)
        if not directories:
            raise UsageError(f"no run of sweep '{sweep}' is there: the same netlab sweep makes them")
        return directories, record.baseline
    if names:
        return [find_run(name, runs) for name in names], None
    directories = list_runs(runs)
    if not directories:
        raise UsageError(f"no run in '{runs}': train some with 'netlab sweep' or 'netlab run'")
    return directories, None


def choose_runs_and_detectors(
    names: Sequence[str], runs: Path, detectors: Path, *, sweep: str | None = None
) -> Chosen:
    """As ``choose_runs``, and the detectors in the folder ``detectors``: of one name a run goes first.

    Raises:
        UsageError: as ``choose_runs``.
    """
    if sweep is not None:
        return choose_runs(names, runs, sweep=sweep)
    known = {directory.name: directory for directory in list_runs(detectors)}
    if names:
        return [
            known[name] if name in known and not (runs / name).is_dir() else find_run(name, runs)
            for name in names
        ], None
    found = [*list_runs(runs), *known.values()]
    return (found, None) if found else choose_runs(names, runs)
