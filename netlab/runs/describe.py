"""What a run or detector is: its state, its figures, who supplied its parts, and every session at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from netlab.engine.provenance import Supplier
from netlab.errors import NetlabError, first_line
from netlab.runs.config import read_tables
from netlab.runs.directory import PREVIOUS, RunDirectory, is_detector
from netlab.runs.history import read_history
from netlab.runs.sessions import binding_of, read_sessions

Read = TypeVar("Read")
BEING_EXTENDED = "; trained longer, which is not finished"
SHORT = (int, float, str, bool)


def describe_run(run: RunDirectory) -> dict[str, Any]:
    """Everything as plain data, for JSON; what can not be read is a line of ``problems``.

    Keys: name, path, kind (run, detector), state, epochs, figures, parts (kind, name, supplier, distribution,
    version, sha256), sessions (of each its start, command, versions, device and accepted changes), problems.
    """
    problems: list[str] = []

    def attempt(read: Callable[[], Read], otherwise: Read) -> Read:
        try:
            return read()
        except (NetlabError, OSError) as error:
            problems.append(first_line(error))
            return otherwise

    nothing: list[dict[str, Any]] = []
    nobody: tuple[Supplier, ...] = ()
    config: dict[str, Any] = attempt(lambda: read_tables(run.config), {})
    history: list[dict[str, float]] = attempt(lambda: read_history(run.history, ("epoch",)), [])
    epochs = len(history)
    result: dict[str, Any] = attempt(run.read_result, {}) if run.is_finished else {}
    suppliers = attempt(lambda: binding_of(run).suppliers, nobody)
    sessions = attempt(lambda: read_sessions(run), nothing)
    return {
        "name": run.name,
        "path": str(run.path),
        "kind": "detector" if is_detector(run) else "run",
        "state": state_of(result, epochs, config) + (BEING_EXTENDED if run.path.name == PREVIOUS else ""),
        "epochs": epochs,
        "figures": {key: value for key, value in result.items() if isinstance(value, SHORT)},
        "parts": [{**supplier.record(), "supplier": supplier.text} for supplier in suppliers],
        "sessions": [brief(session) for session in sessions],
        "problems": problems,
    }


def state_of(result: Mapping[str, Any], epochs: int, config: Mapping[str, Any]) -> str:
    """``finished``, or how far it is."""
    training = config.get("training", {})
    planned = training.get("epochs", "?") if isinstance(training, Mapping) else "?"
    return "finished" if result else f"unfinished, epoch {epochs} of {planned}"


def brief(session: Mapping[str, Any]) -> dict[str, Any]:
    """A session without what is said elsewhere: its parts as suppliers, PyTorch's version beside netlab's."""
    packages = session.get("packages", {})
    kept = {key: value for key, value in session.items() if key not in ("components", "packages")}
    if isinstance(packages, Mapping) and "torch" in packages:
        kept["torch"] = packages["torch"]
    components = session.get("components", ())
    if components:
        kept["parts"] = [
            f"{part.get('name')}@{part.get('distribution')}=={part.get('version')}" for part in components
        ]
    return kept
