"""``netlab compare``: means over seeds, and paired differences to a baseline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from netlab.cli.core.session import Session
from netlab.errors import UsageError

if TYPE_CHECKING:
    from netlab.comparison.comparison import Comparison
    from netlab.runs.directory import RunDirectory


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def compare(
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="RUN...", help="Runs by name or path. Default: all.", show_default=False),
        ] = None,
        sweep: Annotated[str | None, typer.Option("--sweep", help="The runs of a sweep.")] = None,
        baseline: Annotated[
            str | None,
            typer.Option(
                "--baseline", help="An assembly's name in the table, or one of its runs: the first."
            ),
        ] = None,
        metrics: Annotated[
            str, typer.Option("--metrics", help="Of the last layer, as far as they were measured.")
        ] = "si,csi",
        output: Annotated[
            Literal["table", "csv", "markdown", "latex"], typer.Option("--format", help="How to print it.")
        ] = "table",
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
        force: Annotated[
            bool, typer.Option("--force", help="Compare runs of different data or splits all the same.")
        ] = False,
    ) -> None:
        """Compare assemblies over seeds: mean, standard deviation, n, and the difference to a baseline.

        The difference is paired over seeds, with a 95 % interval; where it holds zero the difference is
        within noise.
        """
        directories, recorded = choose_runs(names or [], sweep, runs)
        print_comparison(
            directories,
            baseline=baseline or recorded,
            metrics=[metric.strip() for metric in metrics.split(",") if metric.strip()],
            output=output,
            force=force,
        )

    return compare


def choose_runs(names: Sequence[str], sweep: str | None, runs: Path) -> tuple[list[RunDirectory], str | None]:
    """The directories that are asked for, and the baseline that a sweep recorded.

    Raises:
        UsageError: both are given, or there is none of that name.
    """
    from netlab.runs.directory import find_run, list_runs
    from netlab.sweep.record import read_record

    if sweep is not None:
        if names:
            raise UsageError("give runs or --sweep, not both")
        record = read_record(sweep, runs)
        directories = record.directories(runs)
        if not directories:
            raise UsageError(f"no run of sweep '{sweep}' is there: the same netlab sweep makes them")
        return directories, record.baseline
    if names:
        return [find_run(name, runs) for name in names], None
    directories = list_runs(runs)
    if not directories:
        raise UsageError(f"no run in '{runs}': train some with 'netlab sweep' or 'netlab run'")
    return directories, None


def print_comparison(
    directories: Sequence[RunDirectory],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    output: str = "table",
    force: bool = False,
) -> None:
    """Compare the runs and print it; what is unfinished or damaged is named on standard error."""
    from netlab.comparison.comparison import compare
    from netlab.comparison.tables import to_csv, to_latex, to_markdown
    from netlab.runs.record import read_records

    records, notes = read_records(list(directories))
    for record in records:
        if not record.finished:
            epochs = record.config["training"].get("epochs", "?")
            notes.append(
                f"'{record.name}' is not finished (epoch {len(record.history)} of {epochs}): left out"
            )
    for note in notes:
        print(f"netlab: {note}", file=sys.stderr)
    comparison = compare(records, baseline=baseline, metrics=metrics, force=force)
    if output == "table":
        print_tables(comparison)
    else:
        print({"csv": to_csv, "markdown": to_markdown, "latex": to_latex}[output](comparison), end="")
        if output == "csv":
            for warning in comparison.warnings:
                print(f"netlab: {warning}", file=sys.stderr)


def print_tables(comparison: Comparison) -> None:
    """One table a measure, for a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from netlab.comparison.tables import DETAIL_COLUMNS, detail_rows, number, varying

    console = Console(highlight=False)
    for warning in comparison.warnings:
        console.print(f"[bold]{escape(warning)}[/]")
    parameters = Table(box=None, header_style="bold", pad_edge=False)
    parameters.add_column("assembly")
    for column in ("parameters", "seeds"):
        parameters.add_column(column, justify="right")
    entries = comparison.entries.get("parameters", {})
    for assembly in comparison.assemblies:
        entry = entries.get(assembly.label)
        count = number(entry.summary.mean, 0) if entry is not None else "-"
        parameters.add_row(escape(assembly.label), count, str(len(assembly.runs)))
    console.print(parameters)
    for measure in varying(comparison):
        console.print(f"\n[bold]{escape(measure.title)}[/]")
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column in DETAIL_COLUMNS:
            table.add_column(column, justify="left" if column in ("assembly", "") else "right")
        for row in detail_rows(comparison, measure):
            table.add_row(*map(escape, row))
        console.print(table)
    if len(comparison.assemblies) > 1:
        console.print(
            f"\nDifference to '{escape(comparison.baseline.label)}', paired over seeds;"
            " within noise: the interval holds zero."
        )
