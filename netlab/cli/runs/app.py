"""``netlab runs``: the library of runs and detectors."""

from __future__ import annotations

import typer

from netlab.cli.core.group import Subcommand, build_group
from netlab.cli.core.session import Session

SUBCOMMANDS = (
    Subcommand("list", "netlab.cli.runs.list", "List runs and detectors, all or those of a condition."),
    Subcommand(
        "show",
        "netlab.cli.runs.show",
        "Show a run: its figures, who supplied its parts, and every session at it.",
    ),
    Subcommand("verify", "netlab.cli.runs.verify", "Compare every file of a run with what netlab wrote."),
    Subcommand("rm", "netlab.cli.runs.rm", "Move runs and detectors into the trash."),
    Subcommand("restore", "netlab.cli.runs.restore", "Take a run or detector back out of the trash."),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    return build_group(session, "runs", SUBCOMMANDS, "List, show, verify and remove runs and detectors.")
