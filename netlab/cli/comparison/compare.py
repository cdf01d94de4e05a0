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
from netlab.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from netlab.comparison.comparison import Comparison


class CompareOptions(ChosenRuns, Json):
    metrics: Names = Field(["si", "csi"], description="Of the last layer, as far as they were measured.")
    output: Literal["table", "csv", "markdown", "latex", "json"] = Field(
        "table", alias="format", description="How to print it."
    )
    power: float | None = Field(
        None, gt=0, le=1, description="Say how many seeds would show this difference of accuracies: .01."
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
        print_comparisons(comparisons, "json" if options.as_json else options.output, power=options.power)

    return command(session, CompareOptions, compare)


def print_comparisons(comparisons: Sequence[Comparison], output: str, *, power: float | None = None) -> None:
    """Print them, one a data set; ``output`` is a value of ``--format``, ``power`` that of ``--power``.

    Raises:
        UsageError: ``power`` with a format that has no place for it.
    """
    from netlab.comparison.tables import to_csv, to_json, to_latex, to_markdown

    if power is not None and output not in ("table", "json"):
        raise UsageError(f"--power is shown in a table or with --json, not with --format {output}")
    if output == "table":
        print_tables(comparisons, power=power)
    elif output == "json":
        print(to_json(comparisons, power=power))
    elif output == "csv":
        print(to_csv(comparisons), end="")
        for comparison in comparisons:
            for warning in comparison.warnings:
                note(warning)
    else:
        write = to_markdown if output == "markdown" else to_latex
        print("\n".join(map(write, comparisons)), end="")


def print_tables(comparisons: Sequence[Comparison], *, power: float | None = None) -> None:
    """One table a measure, for a terminal, for each data set; then the seeds that would show ``power``."""
    console = terminal()
    for number, comparison in enumerate(comparisons):
        if number:
            console.print()
        print_data_set(comparison, console)
        if power is not None:
            print_power(comparison, power, console)


def print_power(comparison: Comparison, difference: float, console: Console) -> None:
    """How many seeds would show ``difference`` in test accuracy."""
    from netlab.comparison.power import POWER, POWER_COLUMNS, power_of, power_rows

    console.print(titled(f"\nSeeds that show a difference of {difference:g} in test accuracy"))
    table = plain_table(*POWER_COLUMNS, right=set(POWER_COLUMNS[1:]), header_style="dim")
    for row in power_rows(power_of(comparison, difference)):
        table.add_row(*row)
    console.print(table)
    console.print(
        f"With a chance of {POWER:.0%}, by one comparison at 95 %. Spread: standard deviation of the paired "
        "differences; at least, at most: for the ends of its 95 % interval.",
        style="dim",
    )


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
