"""``netlab plugins``: what is installed, and tools for those who write plugins."""

from __future__ import annotations

import typer

from netlab.cli.core.group import Subcommand, build_group
from netlab.cli.core.session import Session

SUBCOMMANDS = (
    Subcommand(
        "list",
        "netlab.cli.plugins.list",
        "List every part by kind and name, and every plugin that is not in order.",
    ),
    Subcommand(
        "show",
        "netlab.cli.plugins.show",
        "Show a part: contract, options, source and who else offers it; or a plugin and its failures.",
    ),
    Subcommand(
        "new",
        "netlab.cli.plugins.new",
        "Write a complete package with one part: code, options, tests, README and CI.",
    ),
    Subcommand(
        "check",
        "netlab.cli.plugins.check",
        "Check plugins stage by stage: metadata, light import, API, resolve, options, conformance.",
    ),
    Subcommand(
        "freeze",
        "netlab.cli.plugins.freeze",
        "Print requirement lines of the distributions that the parts come from, for pip install -r.",
    ),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    doc = "List, inspect, write and check plugins: the packages that netlab's parts come from."
    return build_group(session, "plugins", SUBCOMMANDS, doc)
