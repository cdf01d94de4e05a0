"""What every run leaves in its directory, of whatever task."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netlab.engine.binding import Accept
from netlab.runs.directory import RunDirectory
from netlab.runs.sessions import read_sessions


class SavedRun:
    """A run's directory. What is in it is read when it is asked for."""

    def __init__(self, path: str | Path, *, accept_changed_parts: bool = False) -> None:
        self._home = RunDirectory(Path(path)).home
        self._accept_changed: Accept = warn_of_change if accept_changed_parts else None

    @property
    def _directory(self) -> RunDirectory:
        """Where its files are: of a finished run that is being trained longer, those of the finished one."""
        return self._home.to_read

    @property
    def name(self) -> str:
        """The name of the run's directory."""
        return self._directory.name

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self._home.path

    @property
    def is_finished(self) -> bool:
        """Whether all epochs were made and the test images classified."""
        return self._directory.is_finished

    @property
    def sessions(self) -> Sequence[Mapping[str, Any]]:
        """Every session at it, oldest first: when, with what, and whether changed parts were accepted."""
        return read_sessions(self._directory)

    @property
    def environment(self) -> Mapping[str, Any]:
        """With what it was trained: versions, device, who supplied each part, digest of the data."""
        return MappingProxyType(self._directory.read_environment())

    @property
    def result(self) -> Mapping[str, Any]:
        """The figures of a finished run, by name.

        Raises:
            NetlabError: the run is not finished.
        """
        return MappingProxyType(self._directory.read_result())


def warn_of_change(change: str) -> None:
    """A part of the run has changed, which is accepted."""
    warnings.warn(change, stacklevel=2)
