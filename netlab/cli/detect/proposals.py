"""``netlab detect proposals``: regions of images, and how good proposers are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.core.flags import component_flags
from netlab.cli.core.progress import TerminalReporter
from netlab.cli.core.selection import read_selectors
from netlab.cli.core.session import Session
from netlab.cli.detect.shared import finish, split_names, warn
from netlab.engine.catalog import Catalog, Component
from netlab.errors import NetlabError, UsageError

if TYPE_CHECKING:
    from netlab.detection.model.detector import ProposalSource


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the proposers that the command line names."""
    catalog = session.catalog
    chosen = chosen_proposers(catalog, session.after_command)
    one = len(chosen) == 1
    flags = [flag for part in chosen for flag in component_flags(part, None if one else part.name)]

    def proposals(
        values: dict[str, dict[str, Any]],
        sources: Annotated[
            list[str] | None, typer.Argument(help="Images, folders or globs; none with --evaluate.")
        ] = None,
        proposer: Annotated[
            list[str] | None,
            typer.Option("--proposer", help="One or several: a,b."),
        ] = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, max=10_000, help="Most boxes of an image.")
        ] = 2000,
        long_side: Annotated[
            int,
            typer.Option("--long-side", min=32, help="Longer side in pixels of the image proposed for."),
        ] = 400,
        min_side: Annotated[
            float, typer.Option("--min-side", min=1.0, help="Smallest side, in pixels of that size.")
        ] = 10.0,
        seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the ranking.")] = 0,
        evaluate: Annotated[
            Path | None, typer.Option("--evaluate", help="Measure recall on this VOC data set.")
        ] = None,
        one_based: Annotated[
            bool, typer.Option("--voc-one-based", help="Corners count from 1 and belong to the box.")
        ] = False,
        draw: Annotated[Path | None, typer.Option("--draw", help="Draw the boxes into this folder.")] = None,
        drawn: Annotated[int, typer.Option("--drawn", min=1, help="How many boxes --draw shows.")] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Propose regions of images as JSON or drawn, or measure proposers on a data set.

        With --evaluate: recall at IoU .5 and .7, average recall over IoU .5:.95 and the mean average
        best overlap, for 100, 500, 1000 and 2000 boxes, and seconds an image.
        """
        from rich.console import Console

        from netlab.detection.model.detector import proposal_source

        made = [
            proposal_source(
                part,
                part.make_options(values.get("proposer" if one else part.name, {})),
                limit=limit,
                long_side=long_side,
                min_side=min_side,
                seed=seed,
            )
            for part in chosen
        ]
        console = Console(stderr=as_json)
        if evaluate is not None:
            measure(made, evaluate, console, one_based=one_based, as_json=as_json)
        elif sources:
            show(made, sources, console, draw=draw, drawn=drawn, as_json=as_json)
        else:
            raise UsageError("name images, or a data set with --evaluate")

    return finish(session, proposals, flags, chosen, several=True)


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


def show(
    made: list[ProposalSource],
    sources: list[str],
    console: Any,
    *,
    draw: Path | None,
    drawn: int,
    as_json: bool,
) -> None:
    """Propose for every image; print JSON lines, or a line an image, and draw if asked to."""
    from netlab.data.image_sources import find_files, read_sources
    from netlab.detection.output.draw import PALETTE, draw_boxes
    from netlab.detection.output.formats import png, write_bytes

    failed = 0
    for source in read_sources(find_files(sources)):
        if source.pixels is None:
            failed += 1
            warn(source.error or f"{source.path} can not be read")
            continue
        for proposer in made:
            began = time.perf_counter()
            found = proposer(source.pixels)
            seconds = time.perf_counter() - began
            name = proposer.settings.name
            if draw is not None:
                draw.mkdir(parents=True, exist_ok=True)
                shown = found.boxes[:drawn]
                colours = [PALETTE[i % len(PALETTE)] for i in range(len(shown))]
                picture = draw_boxes(source.pixels, shown, [""] * len(shown), colours)
                write_bytes(draw / f"{source.name}.{name}.png", png(picture))
            if as_json:
                row = {
                    "image": str(source.path),
                    "proposer": name,
                    "boxes": [[round(value, 2) for value in box] for box in found.boxes.tolist()],
                    "scores": [round(score, 6) for score in found.scores.tolist()],
                }
                print(json.dumps(row), flush=True)
            else:
                console.print(
                    f"{source.path}: {len(found)} boxes, {seconds:.2f} s, {name}",
                    highlight=False,
                    soft_wrap=True,
                )
    if draw is not None:
        console.print(f"drawn into {draw}", highlight=False)
    if failed:
        raise NetlabError(f"{failed} images could not be used (see above)")


def measure(
    made: list[ProposalSource], folder: Path, console: Any, *, one_based: bool, as_json: bool
) -> None:
    """Recall of each proposer on all images of a data set."""
    import numpy as np

    from netlab.data.image_files import ImageError, read_image
    from netlab.detection.data.voc import read_voc
    from netlab.detection.proposals.recall import LIMITS, best_overlaps, proposal_recall

    data = read_voc(folder, one_based=one_based)
    for line in data.problems.lines():
        warn(line)
    images = [image for image in (*data.train, *data.val) if image.names]
    results = []
    with TerminalReporter(console, quiet=as_json) as progress:
        for proposer in made:
            progress.phase(proposer.settings.name, len(images))
            overlaps, counts, seconds = [], [], 0.0
            for image in images:
                try:
                    pixels = read_image(image.path)
                except ImageError as error:
                    progress.warn(str(error))
                    continue
                began = time.perf_counter()
                boxes = proposer(pixels).boxes
                seconds += time.perf_counter() - began
                overlaps.append((best_overlaps(boxes, image.boxes), image.names))
                counts.append(len(boxes))
                progress.advance()
            limits = [limit for limit in LIMITS if limit <= proposer.limit] or [proposer.limit]
            rows = proposal_recall(overlaps)[: len(limits)]
            results.append(
                {
                    "proposer": proposer.settings.name,
                    "boxes": float(np.mean(counts)),
                    "seconds": seconds / len(counts),
                    "rows": [
                        {
                            "limit": row.limit,
                            "recall50": row.recall50,
                            "recall70": row.recall70,
                            "average_recall": row.average_recall,
                            "mabo": row.mabo,
                        }
                        for row in rows
                    ],
                }
            )
    if as_json:
        print(json.dumps({"images": len(images), "proposers": results}, indent=2))
    else:
        print_recall(console, results, sum(len(image.names) for image in images), len(images))


def print_recall(console: Any, results: list[dict[str, Any]], objects: int, images: int) -> None:
    """One row a proposer and number of boxes."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("proposer", "boxes", "recall .5", "recall .7", "AR", "MABO", "s/image"):
        table.add_column(name, justify="left" if name == "proposer" else "right")
    for result in results:
        for i, row in enumerate(result["rows"]):
            table.add_row(
                result["proposer"] if i == 0 else "",
                f"{row['limit']}",
                *(f"{row[key]:.3f}" for key in ("recall50", "recall70", "average_recall", "mabo")),
                f"{result['seconds']:.2f}" if i == 0 else "",
            )
        table.add_section()
    console.print(table, highlight=False)
    boxes = ", ".join(f"{result['proposer']} {result['boxes']:.0f}" for result in results)
    console.print(
        f"{objects} objects in {images} images; boxes an image: {boxes}", highlight=False, style="dim"
    )
