"""``netlab detect proposals``: regions of images, and how good proposers are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from netlab.cli.core.command import Given, command
from netlab.cli.core.console import plain_table, say, terminal, warn
from netlab.cli.core.flags import Argument, component_flags
from netlab.cli.core.options import Json, Names, split_names
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import complete_names, read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.options import Annotations, Proposals
from netlab.engine.catalog import Catalog, Component
from netlab.errors import NetlabError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from netlab.detection.model.detector import ProposalSource
    from netlab.detection.proposals.recall import ProposerMeasurement


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

    flags = [flag for part in chosen for flag in component_flags(part, None if one else part.name)]
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
    from netlab.data.image_sources import find_files, read_sources
    from netlab.detection.output.draw import write_boxes

    failed = 0
    for source in read_sources(find_files(options.sources)):
        if source.pixels is None:
            failed += 1
            warn(source.error or f"{source.path} can not be read")
            continue
        for proposer in made:
            began = time.perf_counter()
            found = proposer(source.pixels)
            seconds = time.perf_counter() - began
            name = proposer.settings.name
            if options.draw is not None:
                write_boxes(
                    options.draw / f"{source.name}.{name}.png", source.pixels, found.boxes[: options.drawn]
                )
            if options.as_json:
                row = {
                    "image": str(source.path),
                    "proposer": name,
                    "boxes": [[round(value, 2) for value in box] for box in found.boxes.tolist()],
                    "scores": [round(score, 6) for score in found.scores.tolist()],
                }
                print(json.dumps(row), flush=True)
            else:
                say(console, f"{source.path}: {len(found)} boxes, {seconds:.2f} s, {name}")
    if options.draw is not None:
        say(console, f"drawn into {options.draw}")
    if failed:
        raise NetlabError(f"{failed} images could not be used (see above)")


def measure(
    made: Sequence[ProposalSource], folder: Path, console: Console, options: ProposalsOptions
) -> None:
    """Recall of each proposer on all images of a data set."""
    from netlab.detection.data.voc import read_voc
    from netlab.detection.proposals.recall import measure_proposer

    data = read_voc(folder, one_based=options.one_based)
    for line in data.problems.lines():
        warn(line)
    images = [image for image in (*data.train, *data.val) if image.names]
    results = []
    with TerminalReporter(console, quiet=options.as_json) as reporter:
        for proposer in made:
            reporter.phase(proposer.settings.name, len(images))
            measured = measure_proposer(
                proposer.settings.name, proposer.boxes, images,
                limit=proposer.limit, unread=reporter.warn, advance=reporter.advance,
            )  # fmt: skip
            results.append(measured)
    if options.as_json:
        proposers = [result.as_dict() for result in results]
        print(json.dumps({"images": len(images), "proposers": proposers}, indent=2))
    else:
        print_recall(console, results, sum(len(image.names) for image in images), len(images))


def print_recall(console: Any, results: Sequence[ProposerMeasurement], objects: int, images: int) -> None:
    """One row a proposer and number of boxes."""
    numbers = ("boxes", "recall .5", "recall .7", "AR", "MABO", "s/image")
    table = plain_table("proposer", *numbers, right=numbers)
    for result in results:
        for i, row in enumerate(result.rows):
            table.add_row(
                str(result.proposer) if i == 0 else "",
                f"{row.limit}",
                *(f"{value:.3f}" for value in (row.recall50, row.recall70, row.average_recall, row.mabo)),
                f"{result.seconds:.2f}" if i == 0 else "",
            )
        table.add_section()
    console.print(table, highlight=False)
    boxes = ", ".join(f"{result.proposer} {result.boxes:.0f}" for result in results)
    say(console, f"{objects} objects in {images} images; boxes an image: {boxes}", style="dim")
