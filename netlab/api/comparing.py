"""Assemblies compared over seeds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.api.run import Run
from netlab.api.table import Table
from netlab.errors import UsageError
from netlab.runs.directory import RunDirectory, find_run, is_detector
from netlab.runs.directory import list_runs as directories_in

if TYPE_CHECKING:
    from netlab.comparison.comparison import Comparison


class ComparisonTable(Table):
    """A row a measure and assembly: measure, assembly, n, mean, sd, and against the baseline difference,
    low, high (the 95 % interval) and verdict.

    ``baseline`` is the name of the assembly that the others are compared with; ``warnings`` what a reader
    must know before believing a difference.
    """

    baseline: str
    warnings: list[str]

    def __init__(self, comparison: Comparison) -> None:
        from netlab.comparison.tables import comparison_rows

        columns = ("measure", "assembly", "n", "mean", "sd", "difference", "low", "high", "verdict")
        rows = [
            {**row, **{key: known(row[key]) for key in columns[3:8]}} for row in comparison_rows(comparison)
        ]
        self.baseline = comparison.baseline.name
        self.warnings = list(comparison.warnings)
        self._comparison = comparison
        caption = f"difference to '{self.baseline}', paired over seeds; low and high: 95 % interval"
        super().__init__(rows, columns, caption=". ".join([caption, *self.warnings]))

    def overview(self) -> Table:
        """A row an assembly, a column a measure: ``0.9512 ± 0.0034``, with ``~`` where within noise."""
        from netlab.comparison.tables import overview_columns, overview_rows

        columns = overview_columns(self._comparison)
        rows = (dict(zip(columns, row, strict=True)) for row in overview_rows(self._comparison))
        return Table(rows, columns, caption="mean ± standard deviation over n seeds; ~ is within noise")

    def to_markdown(self) -> str:
        """The tables as Markdown."""
        from netlab.comparison.tables import to_markdown

        return to_markdown(self._comparison)

    def to_latex(self) -> str:
        """The tables for LaTeX's package booktabs."""
        from netlab.comparison.tables import to_latex

        return to_latex(self._comparison)


def known(value: float | None) -> float | None:
    """None for what is not known."""
    return None if value is None or math.isnan(value) else value


def compare(
    *runs: Run | str | Path | Iterable[Run | str | Path],
    baseline: str | Run | None = None,
    metrics: Sequence[str] = ("si", "csi"),
    folder: str | Path = "runs",
    force: bool = False,
) -> ComparisonTable:
    """Compare assemblies over seeds: mean, deviation, n, and the paired difference to a baseline.

    Runs that differ in their seed only are one assembly. Where the 95 % interval of a difference holds
    zero, it is within noise.

    Args:
        runs: runs, their names or paths, or lists of these; none: all of ``folder``. Unfinished ones
            are warned of and left out.
        baseline: an assembly's name, or one of its runs; the first by default.
        metrics: of the last layer, as far as ``Run.metrics`` or ``netlab metrics`` measured them.
        folder: where runs are kept.
        force: compare runs of different data or splits all the same.

    Raises:
        UsageError: no run is finished, there is no such run or baseline, or the runs have different data.

    >>> run = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> netlab.compare(run)["measure"][:2]
    ['parameters', 'test_accuracy']
    """
    from netlab.comparison.comparison import compare as compare_records
    from netlab.runs.record import read_records

    directories = list(directories_of(runs, Path(folder)))
    if not directories and not runs:
        directories = [each for each in directories_in(Path(folder)) if not is_detector(each)]
    if not directories:
        raise UsageError(f"there is no run to compare in '{folder}': train some with netlab.train")
    records, notes = read_records(directories)
    notes += [f"run '{record.name}' is not finished: left out" for record in records if not record.finished]
    for note in notes:
        warnings.warn(note, stacklevel=2)
    named = baseline.name if isinstance(baseline, Run) else baseline
    return ComparisonTable(compare_records(records, baseline=named, metrics=metrics, force=force))


def directories_of(runs: Iterable[Any], folder: Path) -> Iterable[RunDirectory]:
    """The directories of runs, names, paths, and lists of these."""
    for run in runs:
        if isinstance(run, Run):
            yield RunDirectory(run.path)
        elif isinstance(run, str | Path):
            yield find_run(str(run), folder)
        elif isinstance(run, Iterable):
            yield from directories_of(run, folder)
        else:
            raise UsageError(f"expected a run, a name or a path, not {run!r:.60}")
