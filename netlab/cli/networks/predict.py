"""``netlab predict``: classify images with a trained network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.core.session import Session
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from netlab.data.image_files import RGB
    from netlab.data.image_sources import SourceImage
    from netlab.runs.directory import RunDirectory

Row = tuple[str, list[tuple[str, float]]]  # an image, and (class, probability), the likeliest first
SHOWN = 50  # images in the table on a terminal; a file or a pipe gets all


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def predict(
        sources: Annotated[
            list[str], typer.Argument(metavar="SOURCE", help="Images, videos, folders or globs.")
        ],
        run: Annotated[
            str | None, typer.Option("--run", help="A run's name or path. Default: the newest finished.")
        ] = None,
        top: Annotated[int, typer.Option("--top", min=1, help="Classes an image, the likeliest first.")] = 1,
        out: Annotated[Path | None, typer.Option("--out", help="Write a CSV file.")] = None,
        every: Annotated[int, typer.Option("--every", min=1, help="Of videos, every n-th frame.")] = 1,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line an image.")] = False,
        batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at a time.")] = 64,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
    ) -> None:
        """Classify images with a trained network. The data that it was trained on is not needed.

        Images are stretched to the network's size. One that can not be read is named and left out; the exit
        code is then 1.
        """
        from netlab.classification.classifier import load_classifier
        from netlab.data.image_sources import find_files, read_sources
        from netlab.runs.directory import find_run, newest_finished
        from netlab.training.device import choose_device

        files = find_files(sources)
        directory = newest_finished(runs) if run is None else find_run(run, runs)
        classifier = load_classifier(directory, session.catalog, device=choose_device(device))
        names = classifier.interface.class_names
        unread: list[str] = []
        rows: list[Row] = []
        readable = usable(read_sources(files, every=every), unread)
        for image, probabilities in classifier.classify(readable, batch_size=batch_size):
            order = probabilities.argsort(descending=True, stable=True)[:top].tolist()
            row = image, [(names[label], float(probabilities[label])) for label in order]
            if as_json:
                print(as_line(row), flush=True)
            if out is not None or not as_json:
                rows.append(row)
        if out is not None:
            write_predictions(out, rows)
        if not as_json:
            print_table(directory, rows, out)
        if unread:
            raise NetlabError(f"images that could not be used: {len(unread)} (see above)")

    return predict


def usable(sources: Iterable[SourceImage], unread: list[str]) -> Iterator[tuple[str, RGB]]:
    """(name, pixels) of the images; what can not be read is told on standard error and kept in ``unread``."""
    for source in sources:
        if source.pixels is None:
            unread.append(source.error or str(source.path))
            print(f"netlab: warning: {unread[-1]}", file=sys.stderr)
        else:
            frame = "" if source.frame is None else f", frame {source.frame}"
            yield f"{source.path}{frame}", source.pixels


def as_line(row: Row) -> str:
    """An image's prediction as one line of JSON."""
    image, found = row
    classes = [{"class": name, "probability": round(value, 6)} for name, value in found]
    return json.dumps({"image": image, **classes[0], "top": classes})


def write_predictions(path: Path, rows: list[Row]) -> None:
    """A row an image and class: image, rank, class, probability."""
    from netlab.runs.files import write_csv

    table: list[dict[str, Any]] = [
        {"image": image, "rank": rank, "class": name, "probability": f"{value:.6f}"}
        for image, found in rows
        for rank, (name, value) in enumerate(found, 1)
    ]
    write_csv(path, ("image", "rank", "class", "probability"), table)


def print_table(directory: RunDirectory, rows: list[Row], out: Path | None) -> None:
    """The predictions, or the first of very many."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("class")
    table.add_column("probability", justify="right")
    shown = rows[:SHOWN] if console.is_terminal else rows
    for image, found in shown:
        for rank, (name, value) in enumerate(found):
            table.add_row(escape(image) if rank == 0 else "", escape(name), f"{value:.3f}")
    if rows:
        console.print(table)
    if len(shown) < len(rows):
        console.print(f"and {len(rows) - len(shown):,} more (--out FILE.csv writes all)")
    if out is not None:
        console.print(f"written to {escape(str(out))}")
    console.print(f"classified by run {escape(directory.name)}", style="dim")
