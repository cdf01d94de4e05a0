"""``netlab data``: data sets, before anything is trained on them."""

from __future__ import annotations

import typer

from netlab.cli.core.group import Subcommand, build_group
from netlab.cli.core.session import Session

SUBCOMMANDS = (
    Subcommand(
        "show", "netlab.cli.data.show", "Show labelled images: counts, sizes, copies, what can not be read."
    ),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    return build_group(session, "data", SUBCOMMANDS, "Look at a data set before anything is trained on it.")
