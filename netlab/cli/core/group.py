"""A command with subcommands: the called one is built with its flags, the others are only listed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from netlab.cli.core.session import Session
from netlab.cli.core.usage import unknown_command


class Subcommand(NamedTuple):
    """``module`` offers ``build(session)``, as a command's does."""

    name: str
    module: str
    help: str


def build_group(session: Session, name: str, subcommands: Sequence[Subcommand], doc: str) -> typer.Typer:
    """The Typer app of a command with subcommands.

    Raises:
        UsageError: the words call a subcommand that there is not.
    """
    app = typer.Typer(no_args_is_help=True)
    app.callback(help=doc)(listed_only)
    called = next((word for word in session.after_command if not word.startswith("-")), None)
    # After a flag the word may be its value, or the flag is what is wrong: Typer knows.
    is_first = called is not None and session.after_command[0] == called
    unknown = called not in {sub.name for sub in subcommands}
    if called is not None and is_first and unknown and not session.completing:
        raise unknown_command(called, [sub.name for sub in subcommands], of=name)
    for sub in subcommands:
        if sub.name == called:
            from netlab.cli.core.help import FlagCommand

            session.depth = 2
            built: Any = importlib.import_module(sub.module).build(session)
            app.command(sub.name, cls=FlagCommand, help=built.__doc__, short_help=sub.help)(built)
        else:
            app.command(sub.name, help=sub.help)(listed_only)
    return app


def listed_only() -> None:
    """A command that was not called."""
