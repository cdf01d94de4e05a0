"""``netlab detect``: its subcommands, each built when it is called."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import typer

from netlab.cli.core.session import Session


class Subcommand(NamedTuple):
    name: str
    module: str
    help: str


SUBCOMMANDS = (
    Subcommand("train", "netlab.cli.detect.train", "Train a detector on a Pascal VOC data set."),
    Subcommand("predict", "netlab.cli.detect.predict", "Detect objects in images and videos."),
    Subcommand("eval", "netlab.cli.detect.eval", "Measure a detector on a Pascal VOC data set."),
    Subcommand("proposals", "netlab.cli.detect.proposals", "Propose regions, and measure proposers."),
    Subcommand("crops", "netlab.cli.detect.crops", "Cut out positive and negative regions as PNG files."),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    app = typer.Typer(no_args_is_help=True)

    @app.callback()
    def detect() -> None:
        """Detect objects the R-CNN way: propose regions, describe them, classify, measure."""

    called = next((word for word in session.after_command if not word.startswith("-")), None)
    for command in SUBCOMMANDS:
        built: Any = listed_only
        if command.name == called:
            built = importlib.import_module(command.module).build(session)
        described = command.help if built is listed_only else built.__doc__
        app.command(command.name, help=described, short_help=command.help)(built)
    return app


def listed_only() -> None:
    """A subcommand that was not called."""
