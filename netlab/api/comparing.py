"""Assemblies compared over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.api.run import Run
from netlab.api.table import Table
from netlab.errors import UsageError
from netlab.runs.directory import find_run

if TYPE_CHECKING:
    from netlab.comparison.comparison import Comparison


COLUMNS = ("data", "measure", "assembly", "n", "mean", "sd", "difference", "low", "high", "verdict")


class ComparisonTable(Table):
    """A row a data set, measure and assembly: data, measure, assembly, n, mean, sd, and against the baseline
    difference, low, high (the 95 % interval) and verdict.

    ``baselines`` are the names of the assemblies that the others are compared with, by data set;
    ``warnings`` what a reader must know before believing a difference. A notebook shows a table a data set.
    """

    baselines: dict[str, str]
    warnings: list[str]

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        from netlab.comparison.tables import comparison_rows

        super().__init__([row for each in comparisons for row in comparison_rows(each)], COLUMNS)
        self.baselines = {each.data: each.baseline.name for each in comparisons}
        self.warnings = [warning for each in comparisons for warning in each.warnings]
        self._comparisons = list(comparisons)

    def overview(self) -> Table:
        """A row a data set and assembly, a column a measure: ``0.9512 ± 0.0034``; ``~``: within noise."""
        from netlab.comparison.tables import overview_columns, overview_rows

        rows = [
            dict(zip(("data", *overview_columns(each)), (each.data, *row), strict=True))
            for each in self._comparisons
            for row in overview_rows(each)
        ]
        return Table(rows, caption="mean ± standard deviation over n seeds; ~ is within noise")

    def by_data(self) -> dict[str, Table]:
        """The rows of each data set, by its title."""
        tables = {}
        for each in self._comparisons:
            remarks = [
                f"difference to '{each.baseline.name}', paired over seeds; low and high: 95 % interval"
            ]
            tables[each.data] = Table(
                (row for row in self.rows if row["data"] == each.data),
                COLUMNS[1:],
                caption=". ".join([*remarks, *each.warnings]),
            )
        return tables

    def power(self, difference: float) -> Table:
        """The seeds that would show ``difference`` in test accuracy, with a chance of 80 % at 95 %.

        A row a data set and assembly: pairs (shared seeds now), spread (the standard deviation of their
        differences), seeds, and low and high for the ends of the spread's 95 % interval.

        Raises:
            UsageError: ``difference`` is not above 0 and at most 1.
        """
        from netlab.comparison.power import power_of

        rows = [
            {
                "data": each.data, "assembly": row.assembly, "pairs": row.n, "spread": row.spread,
                "seeds": row.seeds, "low": row.low, "high": row.high,
            }
            for each in self._comparisons
            for row in power_of(each, difference)
        ]  # fmt: skip
        return Table(rows, caption=f"seeds that show a difference of {difference:g} in test accuracy")

    def to_markdown(self) -> str:
        """The tables as Markdown, those of a data set after those of another."""
        from netlab.comparison.tables import to_markdown

        return "\n".join(map(to_markdown, self._comparisons))

    def to_latex(self) -> str:
        """The tables for LaTeX's package booktabs."""
        from netlab.comparison.tables import to_latex

        return "\n".join(map(to_latex, self._comparisons))

    def __repr__(self) -> str:
        return "\n\n".join(f"data {data}\n{table!r}" for data, table in self.by_data().items())

    def _repr_html_(self) -> str:
        tables = self.by_data().items()
        return "".join(f"<h4>{escape(data)}</h4>{table._repr_html_()}" for data, table in tables)


def compare(
    *runs: Run | str | Path | Iterable[Run | str | Path],
    sweep: str | None = None,
    baseline: str | Run | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    folder: str | Path = "runs",
    force: bool = False,
) -> ComparisonTable:
    """Compare assemblies over seeds: mean, deviation, n, and the paired difference to a baseline.

    Runs that differ in their seed only are one assembly; runs of other data are compared apart. Where the
    95 % interval of a difference holds zero, it is within noise.

    Args:
        runs: runs, their names or paths, or lists of these; none: those of ``sweep``, or all of
            ``folder``. Unfinished ones are warned of and left out.
        sweep: the name of a sweep.
        baseline: an assembly's name, or one of its runs; that of the sweep, or the first, by default.
        metrics: of the last layer, as far as ``Run.metrics`` or ``netlab metrics`` measured them.
        folder: where runs are kept.
        force: one comparison of all, although data or splits differ.

    Raises:
        UsageError: no run is finished, or there is no such run, sweep or baseline.

    >>> run = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> netlab.compare(run)["measure"][:2]
    ['parameters', 'test_accuracy']
    """
    from netlab.comparison.comparison import compare_runs

    comparisons = compare_runs(
        [str(path) for path in paths_of(runs, Path(folder))],
        Path(folder),
        sweep=sweep,
        baseline=baseline.name if isinstance(baseline, Run) else baseline,
        metrics=metrics,
        force=force,
        note=lambda line: warnings.warn(line, stacklevel=4),
    )
    return ComparisonTable(comparisons)


def paths_of(runs: Iterable[Any], folder: Path) -> Iterable[Path]:
    """The directories of runs, names, paths, and lists of these."""
    for run in runs:
        if isinstance(run, Run):
            yield run.path.absolute()
        elif isinstance(run, str | Path):
            yield find_run(str(run), folder).path.absolute()
        elif isinstance(run, Iterable):
            yield from paths_of(run, folder)
        else:
            raise UsageError(f"expected a run, a name or a path, not {run!r:.60}")
