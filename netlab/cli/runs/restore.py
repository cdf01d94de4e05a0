"""``netlab runs restore``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import say, terminal
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import DetectorsFolder, RunsFolder
from netlab.cli.core.session import Session


class RestoreOptions(RunsFolder, DetectorsFolder):
    name: Annotated[str, Argument("NAME")] = Field(description="The name that it had.")


def build(session: Session) -> Callable[..., None]:
    """The command; it loads no plugin."""

    def restore_run(options: RestoreOptions) -> None:
        """Take a run or detector back out of the trash."""
        from netlab.runs.library import find_in_trash, restore

        folder = find_in_trash(options.name, (options.runs, options.detectors))
        say(terminal(), f"{options.name}: back in {restore(options.name, folder)}")

    return command(session, RestoreOptions, restore_run)
