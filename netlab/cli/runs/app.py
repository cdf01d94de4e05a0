"""``netlab runs``: what is kept of runs and detectors."""

from __future__ import annotations

import typer

from netlab.cli.core.group import Subcommand, build_group
from netlab.cli.core.session import Session

SUBCOMMANDS = (
    Subcommand(
        "show",
        "netlab.cli.runs.show",
        "Show a run: its figures, who supplied its parts, and every session at it.",
    ),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    return build_group(session, "runs", SUBCOMMANDS, "Show what is kept of runs and detectors.")
