"""``netlab runs rm``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import say, terminal
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import DetectorsFolder, RunsFolder
from netlab.cli.core.session import Session


class RemoveOptions(RunsFolder, DetectorsFolder):
    names: Annotated[list[str], Argument("NAME...")] = Field(
        description="Runs and detectors, by name or path."
    )


def build(session: Session) -> Callable[..., None]:
    """The command; it loads no plugin."""

    def remove_runs(options: RemoveOptions) -> None:
        """Move runs and detectors into the trash, a folder .trash beside them; nothing is deleted."""
        from netlab.runs.choose import choose_runs_and_detectors
        from netlab.runs.library import remove

        chosen, _ = choose_runs_and_detectors(options.names, options.runs, options.detectors)
        console = terminal()
        for run in chosen:
            place = remove(run)
            say(console, f"{run.name}: moved to {place}; 'netlab runs restore {run.name}' takes it back")
        say(console, f"delete {place.parent} to free the space")

    return command(session, RemoveOptions, remove_runs)
