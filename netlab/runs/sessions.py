"""``sessions.json``: every session at a run, in order, none overwritten.

A session of training holds the environment that it had, as ``environment.json`` does for the last one. Where
a run was used although the code of its parts had changed, that is an entry too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netlab.engine.binding import Accept, Binding
from netlab.engine.catalog import Catalog
from netlab.engine.provenance import supplier_of_record
from netlab.errors import NetlabError
from netlab.files import json_text
from netlab.runs.directory import RunDirectory
from netlab.runs.manifest import read_checked, write_checked


def read_sessions(run: RunDirectory) -> list[dict[str, Any]]:
    """All sessions, oldest first; none where there is no file.

    Raises:
        NetlabError: the file is damaged.
    """
    try:
        found = json.loads(read_checked(run.sessions))
    except FileNotFoundError:
        return []
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NetlabError(f"{run.sessions} is damaged: {error}") from None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise NetlabError(f"{run.sessions} is damaged: it holds no list of sessions")
    return found


def append_session(run: RunDirectory, what: str, facts: Mapping[str, Any]) -> None:
    """Add a session to the log: ``what`` was done (``training``, ``use``), with these facts."""
    write_checked(run.path, {run.sessions.name: with_session(run, what, facts)})


def with_session(run: RunDirectory, what: str, facts: Mapping[str, Any]) -> str:
    """The log with one session more, as text."""
    return json_text([*read_sessions(run), {"what": what, **facts}])


def binding_of(run: RunDirectory, accept: Accept = None) -> Binding:
    """Who supplied the parts of a run, in the last session that trained it.

    Raises:
        NetlabError: ``environment.json`` is damaged.
    """
    recorded = run.read_environment().get("components") if run.environment.exists() else None
    records = recorded if isinstance(recorded, list) else []
    suppliers = tuple(filter(None, map(supplier_of_record, records)))
    return Binding(f"run '{run.name}'", suppliers, accept)


def catalog_for(catalog: Catalog, runs: str | Path, name: str | None) -> Catalog:
    """The catalogue for a run that is to go on, if there is one of this name: the names of its parts mean
    those of the suppliers that it recorded. Whether their code has changed is seen when it goes on."""
    run = RunDirectory(Path(runs) / (name or "."))
    if name is None or not run.exists:
        return catalog
    return catalog.bound_to(binding_of(run, accept=lambda change: None))


def record_accepted(run: RunDirectory, changes: Sequence[str]) -> None:
    """Keep in the run that it was used although these parts have changed."""
    if changes:
        append_session(run, "use", {**this_call(), "accepted_changes": list(changes)})


def this_call() -> dict[str, Any]:
    """The command, and when it was given."""
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
