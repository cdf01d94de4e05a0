"""``netlab compare``: means over seeds, and paired differences to a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from netlab.cli.comparison.options import ChosenRuns
from netlab.cli.core.command import command
from netlab.cli.core.console import note, plain_table, terminal, titled
from netlab.cli.core.options import Json, Names
from netlab.cli.core.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from netlab.comparison.comparison import Comparison


class CompareOptions(ChosenRuns, Json):
    metrics: Names = Field(["si", "csi"], description="Of the last layer, as far as they were measured.")
    output: Literal["table", "csv", "markdown", "latex", "json"] = Field(
        "table", alias="format", description="How to print it."
    )


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def compare(options: CompareOptions) -> None:
        """Compare assemblies over seeds: mean, standard deviation, n, and the difference to a baseline.

        The difference is paired over seeds, with a 95 % interval; where it holds zero the difference is
        within noise.
        """
        from netlab.comparison.comparison import compare_runs

        comparisons = compare_runs(
            options.names, options.runs, sweep=options.sweep, baseline=options.baseline,
            metrics=options.metrics, force=options.force, note=note,
        )  # fmt: skip
        print_comparisons(comparisons, "json" if options.as_json else options.output)

    return command(session, CompareOptions, compare)


def print_comparisons(comparisons: Sequence[Comparison], output: str) -> None:
    """Print them, one a data set; ``output`` is a value of ``--format``."""
    from netlab.comparison.tables import to_csv, to_json, to_latex, to_markdown

    if output == "table":
        print_tables(comparisons)
    elif output == "json":
        print(to_json(comparisons))
    elif output == "csv":
        print(to_csv(comparisons), end="")
        for comparison in comparisons:
            for warning in comparison.warnings:
                note(warning)
    else:
        write = to_markdown if output == "markdown" else to_latex
        print("\n".join(map(write, comparisons)), end="")


def print_tables(comparisons: Sequence[Comparison]) -> None:
    """One table a measure, for a terminal, for each data set."""

    console = terminal()
    for number, comparison in enumerate(comparisons):
        if number:
            console.print()
        print_data_set(comparison, console)


def print_data_set(comparison: Comparison, console: Console) -> None:
    """The tables of one data set."""
    from netlab.comparison.tables import DETAIL_COLUMNS, detail_rows, varying, with_digits
    from netlab.engine.metric_tags import LEGEND

    console.print(f"data {comparison.data}")
    for warning in comparison.warnings:
        console.print(titled(warning))
    parameters = plain_table("assembly", "parameters", "seeds", right=("parameters", "seeds"))
    entries = comparison.entries.get("parameters", {})
    for assembly in comparison.assemblies:
        entry = entries.get(assembly.name)
        count = with_digits(entry.summary.mean, 0) if entry is not None else "-"
        parameters.add_row(str(assembly.name), count, str(len(assembly.runs)))
    console.print(parameters)
    for measure in varying(comparison):
        console.print(titled(f"\n{measure.title}"))
        numbers = set(DETAIL_COLUMNS) - {"assembly", ""}
        table = plain_table(*DETAIL_COLUMNS, right=numbers, header_style="dim")
        for row in detail_rows(comparison, measure):
            table.add_row(*map(str, row))
        console.print(table)
    if len(comparison.assemblies) > 1:
        console.print(
            f"\nDifference to '{comparison.baseline.name}', paired over seeds;"
            f" within noise: the interval holds zero; {LEGEND}."
        )
