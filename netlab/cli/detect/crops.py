"""``netlab detect crops``: labelled regions as PNG files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import say, terminal
from netlab.cli.core.flags import Shown
from netlab.cli.core.options import Out, ProposalCache
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import choose_parts, read_selectors, selector_flags
from netlab.cli.core.session import Session
from netlab.cli.detect.cache_warnings import broken_cache_files_reported
from netlab.cli.detect.options import Annotations, OnlyClasses, Proposals, VocFolder
from netlab.engine.catalog import Part


class CropsOptions(OnlyClasses, Proposals, Annotations, ProposalCache):
    voc_dir: VocFolder
    out: Annotated[Out[Path], Shown(metavar="FOLDER")] = Path("crops")
    most_background: int = Field(
        50, ge=0, alias="background", description="Most background crops of an image."
    )


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the proposer that the command line names."""
    words = read_selectors(session.after_command, ["proposer"])
    parts = choose_parts(session.catalog, ("proposer",), words, {})
    part = parts["proposer"]

    def crops(options: CropsOptions, given: Given) -> None:
        """Cut out true boxes and proposals that overlap one by .5 (positive) or .1 to .5 (background).

        Crops of training and validation images go to separate folders: OUT/train/cat, OUT/val/cat.
        """
        from netlab.detection.output.crops import CropRule, crop_folder

        rule = CropRule(
            classes=options.classes, one_based=options.one_based, most_background=options.most_background,
            limit=options.limit, long_side=options.long_side, seed=options.seed,
        )  # fmt: skip
        proposer = Part(part, part.make_options(given.get("proposer", {})))
        console = terminal()
        with TerminalReporter(console) as reporter, broken_cache_files_reported():
            for folder, counts in crop_folder(
                options.voc_dir, proposer, rule, options.out, cache=options.cache_folder, reporter=reporter
            ):
                written = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
                say(console, f"{folder}: {written or 'nothing'}")

    flags = [
        *selector_flags(session.catalog, parts, {"proposer": "What proposes regions."}, parts),
        *part_flags(part, session.after_command),
    ]
    return command(session, CropsOptions, crops, flags=flags, parts=[part])
