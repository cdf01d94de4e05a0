"""``netlab detect proposals``: regions of images, and how good proposers are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import plain_table, say, terminal, warn
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import Json, Names, split_names
from netlab.cli.core.part_flags import part_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import complete_names, read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.options import Annotations, Proposals
from netlab.engine.catalog import Catalog, Component
from netlab.errors import NetlabError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from netlab.detection.evaluation.proposers import ProposersMeasurement
    from netlab.detection.model.detector import ProposalSource


class ProposalsOptions(Proposals, Annotations, Json):
    sources: Annotated[list[str], Argument("[SOURCE...]")] = Field(
        [], description="Images, folders or globs; none with --evaluate."
    )
    proposer: Names = Field([], description="One or several: a,b.")
    min_side: float = Field(10.0, ge=1.0, description="Smallest side, in pixels of that size.")
    evaluate: Path | None = Field(None, description="Measure recall on this VOC data set.")
    draw: Path | None = Field(None, description="Draw the boxes into this folder.")
    drawn: int = Field(50, ge=1, description="How many boxes --draw shows.")


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the proposers that the command line names."""
    catalog = session.catalog
    chosen = chosen_proposers(catalog, session.after_command)
    one = len(chosen) == 1

    def proposals(options: ProposalsOptions, given: Given) -> None:
        """Propose regions of images as JSON or drawn, or measure proposers on a data set.

        With --evaluate: recall at IoU .5 and .7, average recall over IoU .5:.95 and the mean average
        best overlap, for 100, 500, 1000 and 2000 boxes, and seconds an image.
        """

        from netlab.detection.model.detector import proposal_source

        made = [
            proposal_source(
                part, part.make_options(given.get("proposer" if one else part.name, {})),
                limit=options.limit, long_side=options.long_side, min_side=options.min_side,
                seed=options.seed,
            )
            for part in chosen
        ]  # fmt: skip
        console = terminal(stderr=options.as_json)
        if options.evaluate is not None:
            measure(made, options.evaluate, console, options)
        elif options.sources:
            show(made, console, options)
        else:
            raise UsageError("name images, or a data set with --evaluate")

    words = session.after_command
    flags = [flag for part in chosen for flag in part_flags(part, words, prefix=None if one else part.name)]
    completions = {"proposer": complete_names(catalog, "proposer", several=True)}
    return command(session, ProposalsOptions, proposals, flags=flags, parts=chosen, completions=completions)


def chosen_proposers(catalog: Catalog, words: Iterable[str]) -> list[Component]:
    """Every proposer that ``--proposer`` names, in order; the default if none is."""
    names: list[str] = []
    rest = list(words)
    while (found := read_selectors(rest, ["proposer"])) and "proposer" in found:
        # argparse keeps the last of several: take it off and look again.
        names[:0] = split_names([found["proposer"]])
        rest = without_last(rest, found["proposer"])
    return [catalog.find("proposer", name) for name in dict.fromkeys(names)] or [catalog.default("proposer")]


def without_last(words: list[str], value: str) -> list[str]:
    """The words without the last ``--proposer VALUE`` or ``--proposer=VALUE``."""
    for i in range(len(words) - 1, -1, -1):
        if words[i] == f"--proposer={value}":
            return words[:i] + words[i + 1 :]
        if words[i] == "--proposer" and words[i + 1 : i + 2] == [value]:
            return words[:i] + words[i + 2 :]
    return []


def show(made: Sequence[ProposalSource], console: Console, options: ProposalsOptions) -> None:
    """Propose for every image; print JSON lines, or a line an image, and draw if asked to."""
    from netlab.detection.output.proposals import propose_in_files

    failed: list[str] = []

    def report_unread(problem: str) -> None:
        failed.append(problem)
        warn(problem)

    for found in propose_in_files(
        options.sources, made, draw_into=options.draw, drawn=options.drawn, unread=report_unread
    ):
        if options.as_json:
            print(json.dumps(found.as_dict()), flush=True)
        else:
            counted = f"{len(found.proposals)} boxes, {found.seconds:.2f} s"
            say(console, f"{found.image}: {counted}, {found.proposer}")
    if options.draw is not None:
        say(console, f"drawn into {options.draw}")
    if failed:
        raise NetlabError(f"{len(failed)} images could not be used (see above)")


def measure(
    made: Sequence[ProposalSource], folder: Path, console: Console, options: ProposalsOptions
) -> None:
    """Recall of each proposer on all images of a data set."""
    from netlab.detection.evaluation.proposers import measure_proposers

    with TerminalReporter(console, quiet=options.as_json) as reporter:
        found = measure_proposers(made, folder, one_based=options.one_based, reporter=reporter)
    if options.as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print_recall(console, found)


def print_recall(console: Console, found: ProposersMeasurement) -> None:
    """One row a proposer and number of boxes."""
    numbers = ("boxes", "recall .5", "recall .7", "AR", "MABO", "s/image")
    table = plain_table("proposer", *numbers, right=numbers)
    for result in found.proposers:
        for i, row in enumerate(result.rows):
            table.add_row(
                str(result.proposer) if i == 0 else "",
                f"{row.limit}",
                *(f"{value:.3f}" for value in (row.recall50, row.recall70, row.average_recall, row.mabo)),
                f"{result.seconds:.2f}" if i == 0 else "",
            )
        table.add_section()
    console.print(table, highlight=False)
    boxes = ", ".join(f"{result.proposer} {result.boxes:.0f}" for result in found.proposers)
    say(console, f"{found.objects} objects in {found.images} images; boxes an image: {boxes}", style="dim")
