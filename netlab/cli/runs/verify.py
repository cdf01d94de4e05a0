"""``netlab runs verify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import say, terminal
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import DetectorsFolder, Json, RunsFolder
from netlab.cli.core.session import Session
from netlab.errors import NetlabError, UsageError


class VerifyOptions(RunsFolder, DetectorsFolder, Json):
    names: Annotated[list[str], Argument("NAME...")] = Field(
        default_factory=list, description="Runs and detectors, by name or path."
    )
    all: bool = Field(False, description="All runs and detectors.")


def build(session: Session) -> Callable[..., None]:
    """The command; it loads no plugin."""

    def verify_runs(options: VerifyOptions) -> None:
        """Compare every file of runs and detectors with what netlab wrote; fails where one is not so."""
        from netlab.runs.choose import choose_runs_and_detectors
        from netlab.runs.library import verify

        if bool(options.names) == options.all:
            raise UsageError("name runs or detectors, or give --all")
        chosen, _ = choose_runs_and_detectors(options.names, options.runs, options.detectors)
        console, found = terminal(), []
        for run in chosen:
            verified = verify(run)
            found.append(verified)
            if options.as_json:
                continue
            state = f"{verified.files} files as written" if not verified.problems else "not as written"
            say(console, f"{verified.name}  {state}", style="red" if verified.problems else "")
            for problem in verified.problems:
                say(console, f"  {problem}")
        if options.as_json:
            print(json.dumps([{**asdict(each), "path": str(each.path)} for each in found], indent=2))
        if wrong := sum(bool(each.problems) for each in found):
            raise NetlabError(f"{wrong} of {len(found)} not as written")

    return command(session, VerifyOptions, verify_runs)
