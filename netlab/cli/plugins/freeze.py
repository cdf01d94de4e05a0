"""``netlab plugins freeze``."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.options import RunsFolder
from netlab.cli.core.session import Session


class FreezeOptions(RunsFolder):
    run: str | None = Field(None, description="Only what this run used, at its versions: a path or a name.")


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def freeze(options: FreezeOptions) -> None:
        """Print requirement lines of the distributions that the parts come from, for pip install -r."""
        from netlab.runs.requirements import installed_requirements, requirements_of_run

        if options.run is not None:
            lines = requirements_of_run(options.run, options.runs)
        else:
            lines = installed_requirements(session.catalog.manager)
        for line in lines:
            print(line)

    return command(session, FreezeOptions, freeze)
