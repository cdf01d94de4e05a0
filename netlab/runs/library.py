"""The library of runs and detectors: listed, chosen by conditions, verified, put into the trash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.errors import NetlabError, UsageError, closest, first_line
from netlab.files import make_folder, sync_folder
from netlab.runs.config import NETWORK_KINDS, read_tables
from netlab.runs.describe import SHORT, state_of
from netlab.runs.directory import RunDirectory, list_runs
from netlab.runs.history import count_epochs
from netlab.runs.manifest import KEPT, MANIFEST, OUTCOME, file_sha256, found_by, read_manifest
from netlab.runs.where import Where

TRASH = ".trash"  # in the folder of runs
PARTS = ("data", *NETWORK_KINDS)
FIRST = ("name", "kind", "state", *PARTS, "seed", "epochs")  # what every row may have, in order


def rows_of(folders: Iterable[Path], where: Where | None = None) -> list[dict[str, Any]]:
    """What is known of the runs and detectors in folders, oldest first, one flat row each.

    Keys: those of ``FIRST``, the figures of the result, every option as ``block.paths``, and ``path``. What
    can not be read is said in ``state``.

    Raises:
        UsageError: ``where`` asks for what no run has.
    """
    rows = [row_of(run) for folder in folders for run in list_runs(folder)]
    if where is None:
        return rows
    if rows:
        where.check_names({name for row in rows for name in row} | set(FIRST))
    return [row for row in rows if where.holds(row)]


def row_of(run: RunDirectory) -> dict[str, Any]:
    """A row of ``rows_of``."""
    row: dict[str, Any] = {"name": run.name, "path": str(run.home.path)}
    try:
        config = read_tables(run.config)
        result = run.read_result() if run.is_finished else {}
        row |= flat(config)
        row |= {key: value for key, value in result.items() if isinstance(value, SHORT)}
        row["kind"] = "detector" if "detection" in config else "run"
        row |= {part: row[f"{part}.name"] for part in PARTS if f"{part}.name" in row}
        if "training.seed" in row:
            row["seed"] = row["training.seed"]
        row["epochs"] = count_epochs(run.history)
        row["state"] = state_of(result, row["epochs"], config)
    except (NetlabError, OSError) as error:
        row["state"] = first_line(error)
    return row


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Options by their dotted names: ``block.paths``. Those that are no single value are left out."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif prefix and isinstance(value, SHORT):
            found[prefix + key] = value
    return found


@dataclass(frozen=True, slots=True)
class Verified:
    """A run whose files were compared with its manifest: how many, and a line for each that is not so."""

    name: str
    path: Path
    files: int
    problems: tuple[str, ...]


def verify(run: RunDirectory) -> Verified:
    """Compare every file of a run or detector with the digest that its manifest holds."""
    folder, problems = run.path, []
    try:
        listed = read_manifest(folder)
    except NetlabError as error:
        return Verified(run.name, folder, 0, (first_line(error),))
    if listed is None:
        return Verified(run.name, folder, 0, (f"{folder / MANIFEST} is not there: nothing can be verified",))
    for name, digests in listed.items():
        found = file_sha256(folder / name)
        if found not in digests:
            wrong = "is damaged: it is not what netlab wrote" if found else "is gone"
            problems.append(f"{folder / name} {wrong}")
    expected = KEPT if run.is_finished else (each for each in KEPT if each not in OUTCOME)
    there = {name for pattern in expected for name in found_by(pattern, folder)}
    problems += [f"{folder / name} is not listed in {MANIFEST}" for name in sorted(there - listed.keys())]
    return Verified(run.name, folder, len(listed), tuple(problems))


def remove(run: RunDirectory) -> Path:
    """Move a run or detector into the trash of its folder; gives where it is then.

    Raises:
        UsageError: a process is working on it.
    """
    home = run.home
    with home.locked():  # and let go again: an open file's folder can not be moved everywhere
        pass
    trash = home.path.parent / TRASH
    make_folder(trash)
    place, number = trash / home.name, 1
    while place.exists():
        number += 1
        place = trash / f"{home.name}.{number}"
    home.path.rename(place)
    sync_folder(trash)
    sync_folder(home.path.parent)
    return place


def restore(name: str, folder: Path) -> Path:
    """Take a run or detector out of the trash of a folder; of several of one name, the one put there last.

    Raises:
        UsageError: none of that name is in the trash (with the closest), or there is another one by now.
    """
    same = in_trash(name, folder)
    if not same:
        names = [path.name for path in (folder / TRASH).glob("*")]
        raise UsageError(f"there is no '{name}' in the trash of '{folder}'.{closest(name, names)}")
    if (folder / name).exists():
        raise UsageError(f"there is a '{name}' in '{folder}' by now: rename or remove that first")
    max(same, key=lambda path: path.stat().st_ctime_ns).rename(folder / name)
    sync_folder(folder)
    return folder / name


def find_in_trash(name: str, folders: Sequence[Path]) -> Path:
    """The first of these folders whose trash has a run or detector of this name; else the first."""
    return next((folder for folder in folders if in_trash(name, folder)), folders[0])


def in_trash(name: str, folder: Path) -> list[Path]:
    """The runs and detectors of one name in the trash of a folder: further ones have a number."""
    found = (path for path in (folder / TRASH).glob("*") if (path / "config.toml").is_file())
    return [path for path in found if path.name == name or is_numbered(path.name, name)]


def is_numbered(name: str, first: str) -> bool:
    """Whether a name in the trash is ``first`` with a number, as a second one of that name gets."""
    return name.startswith(f"{first}.") and name.removeprefix(f"{first}.").isdecimal()
