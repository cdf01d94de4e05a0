"""The table of commands, and ``main``.

A command's module is imported only when the command is called: ``netlab --help`` needs none. A module
offers ``build(session)``, which gives a Typer command function (with the flags of the components
that the command line names) or a Typer app with subcommands.
"""

from __future__ import annotations

import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import typer

from netlab import __version__
from netlab.cli.session import Session, run_guarded, take_global_flags


class Command(NamedTuple):
    name: str
    module: str
    help: str
    panel: str


COMMANDS = (
    Command("run", "netlab.cli.run", "Assemble a network from parts by name and train it.", "Networks"),
    Command(
        "summary", "netlab.cli.summary", "Show the layers of an assembly, without training it.", "Networks"
    ),
    Command(
        "metrics", "netlab.cli.metrics", "Measure how well every layer separates the classes.", "Networks"
    ),
    Command(
        "detect", "netlab.cli.detect", "Find objects in images, trained on Pascal VOC data.", "Detection"
    ),
    Command("plugins", "netlab.cli.plugins", "List and inspect the installed parts.", "Parts"),
)


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"netlab {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    no_plugin: Annotated[
        list[str] | None,
        typer.Option("--no-plugin", metavar="NAME", help="Do not load a plugin (before it is imported)."),
    ] = None,
) -> None:
    """Image networks from parts chosen by name: train, measure, compare, detect."""


def words_typed() -> list[str]:
    """The command line after the program's name; during shell completion, the line being completed."""
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS")
    if line and any(name.endswith("_COMPLETE") for name in os.environ):
        try:
            return shlex.split(line)[1:]
        except ValueError:
            return line.split()[1:]
    return sys.argv[1:]


def build_app(session: Session) -> typer.Typer:
    """The Typer app: the called command is built, the others are only listed."""
    app = typer.Typer(
        name="netlab", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich"
    )
    app.callback()(root)
    called = next((word for word in session.arguments if not word.startswith("-")), None)
    for command in COMMANDS:
        built: Any = listed_only
        if command.name == called:
            built = importlib.import_module(command.module).build(session)
        if isinstance(built, typer.Typer):
            app.add_typer(built, name=command.name, help=command.help, rich_help_panel=command.panel)
        else:
            app.command(
                command.name,
                help=command.help if built is listed_only else built.__doc__,
                short_help=command.help,
                rich_help_panel=command.panel,
            )(built)
    return app


def listed_only() -> None:
    """A command that was not called."""


def main(words: Sequence[str] | None = None) -> None:
    """Run netlab and exit: 0 done, 1 failed, 2 used wrongly, 3 a plugin failed."""
    session = take_global_flags(words_typed() if words is None else words)
    if not session.arguments and session.debug:
        session.arguments = ["--help"]

    def action() -> None:
        app = build_app(session)
        app(args=session.arguments, prog_name="netlab")

    sys.exit(run_guarded(action, session))
