"""``main``: the called command is imported and built, the others are only listed."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from netlab import __version__
from netlab.cli.commands import COMMANDS, NAMES, SHARED
from netlab.cli.core.failures import report_failures
from netlab.cli.core.group import listed_only
from netlab.cli.core.session import COMPLETING, Session, run_guarded, take_global_flags
from netlab.cli.core.usage import REFUSAL, one_line, unknown_command
from netlab.errors import NetlabError
from netlab.launch import read_launch


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
    plugin: Annotated[
        list[str] | None,
        typer.Option("--plugin", metavar="FILE.py", help="Load a plugin from a file of yours, too."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.OPTION=VALUE", help="A setting of a plugin of runs or reports."),
    ] = None,
) -> None:
    """Image networks from parts chosen by name: train, measure, compare, detect."""


def line_completed() -> str | None:
    """The line that a shell asks to complete, up to the cursor; None when netlab was really called."""
    if COMPLETING not in os.environ:
        return None
    return os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""


def complete_words(line: str) -> list[str]:
    """The whole words of a line after the program's name: not the one that is being completed."""
    import shlex

    words = line.split()
    with contextlib.suppress(ValueError):  # an open quote
        words = shlex.split(line)
    if words and not line[-1].isspace():
        words.pop()
    return words[1:]


def build_app(session: Session) -> typer.Typer:
    """The Typer app: the called command is built, the others are only listed.

    Raises:
        UsageError: there is no such command.
    """
    called = called_command(session)
    app = typer.Typer(
        name="netlab",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
        # Drawing panels imports as much again as all the rest of `netlab --help`.
        rich_markup_mode=None if called is None else "rich",
    )
    app.callback()(root)
    for command in COMMANDS:
        if command.name != called:
            app.command(command.name, help=command.help, rich_help_panel=command.panel)(listed_only)
            continue
        built: Any = importlib.import_module(f"netlab.cli.{command.module}").build(session)
        if isinstance(built, typer.Typer):
            app.add_typer(built, name=command.name, rich_help_panel=command.panel)
        else:
            from netlab.cli.core.help import FlagCommand

            app.command(
                command.name,
                cls=FlagCommand,
                help=built.__doc__,
                short_help=command.help,
                rich_help_panel=command.panel,
            )(built)
    if called is None or called not in NAMES:
        add_plugin_commands(app, session, called)
    return app


def called_command(session: Session) -> str | None:
    """The name of the command that the words call, known or not."""
    return next((word for word in session.arguments if not word.startswith("-")), None)


def add_plugin_commands(app: typer.Typer, session: Session, called: str | None) -> None:
    """List the commands that plugins add, and import the called one."""
    from netlab.cli.core.plugin_commands import load_command
    from netlab.engine.plugin_commands import plugin_commands

    manager = session.manager
    known = len(manager.failures)
    commands = plugin_commands(manager, NAMES)
    if not session.completing:
        report_failures(manager.failures[known:], debug=session.debug)
    # After a flag of netlab itself the word may be its value: Typer knows.
    is_first = called is not None and session.arguments[0] == called
    if called is not None and is_first and called not in commands and not session.completing:
        raise unknown_command(called, (*NAMES, *commands))
    for name, offered in sorted(commands.items()):
        if name == called:
            session.only_shows = False  # whatever it does
        built = load_command(offered, manager) if name == called else listed_only
        app.command(
            name,
            help=offered[0].help if built is listed_only else built.__doc__,
            short_help=f"{offered[0].help} (plugin)",
            rich_help_panel="From plugins",
        )(built)


def leave_to_first_process(session: Session) -> None:
    """Of several processes (``torchrun``), only rank 0 uses the terminal, and does alone what is not shared.

    Another one that fails alone still says so: see ``Session.may_complain``, which until the processes
    have met is true for one on each machine.
    """
    launch = read_launch()
    if launch.world > 1:
        # DistributedDataParallel warns in each process that it looked for unused parameters in vain.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if launch.rank == 0:
        return
    if called_command(session) not in SHARED:
        sys.exit(0)
    session.errors = sys.stderr
    session.may_complain = lambda: launch.local_rank == 0
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends


def call(app: typer.Typer, session: Session) -> None:
    """Let Typer call the command, and end with its exit code.

    Raises:
        UsageError: Typer refuses the words.
    """
    try:
        code = app(args=session.arguments, prog_name="netlab", standalone_mode=False)
    except REFUSAL as refusal:
        if type(refusal).__name__ == "NoArgsIsHelpError":  # the help is its message, or is printed already
            print(refusal.format_message())
            sys.exit(2)
        raise one_line(refusal, session) from None
    except typer.Abort:
        print("netlab: stopped", file=sys.stderr)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def run(words: Sequence[str] | None = None) -> Session:
    """Run netlab; the session knows how it ended."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows no '±' gets a '?', not an error
            stream.reconfigure(errors="replace")
    line = line_completed() if words is None else None
    if line is not None:
        words = complete_words(line)
    session = take_global_flags(sys.argv[1:] if words is None else words)
    session.completing = line is not None
    if not session.arguments and session.debug:
        session.arguments = ["--help"]

    def action() -> None:
        leave_to_first_process(session)
        try:
            app = build_app(session)
        except NetlabError:
            if not session.completing:
                raise
            # The line is wrong before the cursor: complete it as if only the command were there.
            del session.arguments[1:]
            app = build_app(session)
        call(app, session)

    session.exit_code = run_guarded(action, session)
    return session


def main(words: Sequence[str] | None = None) -> None:
    """Run netlab and exit: 0 done, 1 failed, 2 used wrongly, 3 a plugin failed, 130 interrupted."""
    sys.exit(run(words).exit_code)
