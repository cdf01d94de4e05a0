"""The options of the commands that look at many runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from netlab.cli.core.flags import Argument
from netlab.cli.core.options import Baseline, RunsFolder


class ChosenRuns(RunsFolder, Baseline):
    names: Annotated[list[str], Argument("[RUN...]")] = Field(
        [], description="Runs by name or path. Default: all."
    )
    sweep: str | None = Field(None, description="The runs of a sweep.")
    force: bool = Field(False, description="One comparison of all, although data or splits differ.")
