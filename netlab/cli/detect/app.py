"""``netlab detect``: its subcommands, each built when it is called."""

from __future__ import annotations

import typer

from netlab.cli.core.group import Subcommand, build_group
from netlab.cli.core.session import Session

SUBCOMMANDS = (
    Subcommand("train", "netlab.cli.detect.train", "Train a detector on a Pascal VOC data set."),
    Subcommand("predict", "netlab.cli.detect.predict", "Detect objects in images and videos."),
    Subcommand("eval", "netlab.cli.detect.eval", "Measure a detector on a Pascal VOC data set."),
    Subcommand("proposals", "netlab.cli.detect.proposals", "Propose regions, and measure proposers."),
    Subcommand("crops", "netlab.cli.detect.crops", "Cut out positive and negative regions as PNG files."),
)


def build(session: Session) -> typer.Typer:
    """The subcommands: the called one with its flags, the others only listed."""
    doc = "Detect objects the R-CNN way: propose regions, describe them, classify, measure."
    return build_group(session, "detect", SUBCOMMANDS, doc)
