"""``netlab runs show``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.console import plain_table, say, say_facts, terminal
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import DetectorsFolder, Json, RunsFolder
from netlab.cli.core.session import Session


class ShowOptions(RunsFolder, DetectorsFolder, Json):
    name: Annotated[str, Argument("NAME")] = Field(description="A run's or detector's name, or its path.")


def build(session: Session) -> Callable[..., None]:
    """The command; it loads no plugin."""

    def show(options: ShowOptions) -> None:
        """Show a run or detector: its figures, who supplied its parts, and every session at it."""
        from netlab.runs.choose import choose_runs_and_detectors
        from netlab.runs.describe import describe_run

        (found,), _ = choose_runs_and_detectors([options.name], options.runs, options.detectors)
        described = describe_run(found)
        if options.as_json:
            print(json.dumps(described, indent=2))
        else:
            print_run(described)

    return command(session, ShowOptions, show)


def print_run(described: Mapping[str, Any]) -> None:
    """State and figures, then parts, then sessions."""
    console = terminal()
    say(console, f"{described['kind']} {described['name']}: {described['state']}", style="bold")
    figures = [(key.replace("_", " "), shown(value)) for key, value in described["figures"].items()]
    say_facts(console, [("in", described["path"]), *figures])
    for problem in described["problems"]:
        say(console, problem, style="red")
    say(console, "\nparts", style="bold")
    table = plain_table("kind", "part", "sha256")
    for part in described["parts"]:
        table.add_row(part["kind"], part["supplier"], part["sha256"][:12])
    console.print(table)
    say(console, "\nsessions", style="bold")
    table = plain_table("started", "what", "netlab", "torch", "device")
    for session in described["sessions"]:
        values = (session.get(key) for key in ("started", "what", "netlab", "torch", "device"))
        table.add_row(*("" if value is None else str(value) for value in values))
    console.print(table)
    for session in described["sessions"]:
        for change in session.get("accepted_changes", ()):
            say(console, f"{session.get('started', '')}  accepted: {change}", style="yellow")


def shown(value: Any) -> str:
    """A figure, short."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
