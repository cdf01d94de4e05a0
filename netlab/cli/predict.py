"""``netlab predict``: classify images with a trained network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netlab.cli.session import Session
from netlab.errors import NetlabError, UsageError

if TYPE_CHECKING:
    from netlab.detection.images import RGB
    from netlab.runs.directory import RunDirectory

SHOWN = 50  # images in the table on a terminal; a file or a pipe gets all


def build(session: Session) -> Callable[..., None]:
    """The command; a run brings its parts with it, so there are no flags of parts."""

    def predict(
        sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Images, folders or globs.")],
        run: Annotated[
            str | None, typer.Option("--run", help="A run's name or path. Default: the newest finished.")
        ] = None,
        top: Annotated[int, typer.Option("--top", min=1, help="Classes an image, the likeliest first.")] = 1,
        out: Annotated[Path | None, typer.Option("--out", help="Write a CSV file.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line an image.")] = False,
        batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at a time.")] = 64,
        device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
    ) -> None:
        """Classify images with a trained network. The data that it was trained on is not needed.

        Images are stretched to the network's size. One that can not be read is reported and passed over;
        the exit code is then 1.
        """
        from netlab.classifier import load_classifier
        from netlab.detection.sources import find_files
        from netlab.training.device import choose_device

        files = [path for path in find_files(sources) if not is_video(path)]
        if not files:
            raise UsageError("there are only videos: netlab predict classifies images")
        directory = chosen_run(run, runs)
        classifier = load_classifier(directory, session.catalog, device=choose_device(device))
        names = classifier.interface.class_names
        unread: list[str] = []
        rows = []
        for path, probabilities in classifier.classify(readable(files, unread), batch_size=batch_size):
            order = probabilities.argsort(descending=True, stable=True)[:top].tolist()
            row = [(names[label], float(probabilities[label])) for label in order]
            rows.append((path, row))
            if as_json:
                print(as_line(path, row), flush=True)
        if out is not None:
            write_predictions(out, rows)
        if not as_json:
            print_table(directory, rows, out)
        if unread:
            raise NetlabError(f"{len(unread)} of {len(files)} images could not be read (see above)")

    return predict


def is_video(path: Path) -> bool:
    from netlab.detection.sources import VIDEO_SUFFIXES

    return path.suffix.lower() in VIDEO_SUFFIXES


def chosen_run(name: str | None, runs: Path) -> RunDirectory:
    """The run that the user named, or the newest that is finished."""
    from netlab.runs.directory import find_run, newest_finished

    return newest_finished(runs) if name is None else find_run(name, runs)


def readable(files: Sequence[Path], unread: list[str]) -> Iterator[tuple[Path, RGB]]:
    """The images one after another; those that can not be read are reported, and added to ``unread``."""
    from netlab.detection.images import ImageError, read_image

    for path in files:
        try:
            yield path, read_image(path)
        except ImageError as error:
            unread.append(str(path))
            print(f"netlab: warning: {error}", file=sys.stderr)


def as_line(path: Path, row: list[tuple[str, float]]) -> str:
    """An image's prediction as one line of JSON; the file's name as it is, where it is text."""
    classes = [{"class": name, "probability": round(value, 6)} for name, value in row]
    return json.dumps({"image": str(path), **classes[0], "top": classes})


def write_predictions(path: Path, rows: list[tuple[Path, list[tuple[str, float]]]]) -> None:
    """A row an image and class: image, rank, class, probability."""
    from netlab.runs.files import write_csv

    table: list[dict[str, Any]] = [
        {"image": str(image), "rank": rank, "class": name, "probability": f"{value:.6f}"}
        for image, row in rows
        for rank, (name, value) in enumerate(row, 1)
    ]
    write_csv(path, ("image", "rank", "class", "probability"), table)


def print_table(
    directory: RunDirectory, rows: list[tuple[Path, list[tuple[str, float]]]], out: Path | None
) -> None:
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
    for path, row in shown:
        for rank, (name, value) in enumerate(row):
            table.add_row(escape(str(path)) if rank == 0 else "", escape(name), f"{value:.3f}")
    if rows:
        console.print(table)
    if len(shown) < len(rows):
        console.print(f"and {len(rows) - len(shown):,} more (--out FILE.csv writes all)")
    if out is not None:
        console.print(f"written to {escape(str(out))}")
    console.print(f"classified by run {escape(directory.name)}", style="dim")
