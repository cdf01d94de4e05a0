"""What ``netlab sweep`` shows before and after its runs: its plan, and how they ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from netlab.cli.core.console import note, plain_table, say, terminal, titled
from netlab.comparison.tables import counted
from netlab.errors import NetlabError, UsageError

if TYPE_CHECKING:
    from netlab.comparison.sequential import Sureness
    from netlab.sweep.driver import RunStatus
    from netlab.sweep.plan import PlannedRun
    from netlab.sweep.run import SweepOutcome, SweepPlan


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def show_plan(plan: SweepPlan) -> None:
    """How many runs, how many are left, and how long they will take: on this machine, or at its speed."""
    console, planned = terminal(), plan.runs
    trainings = [run.config["training"] for run in planned]
    seeds, folds = (len({training[key] for training in trainings}) for key in ("seed", "fold"))
    assemblies = len(planned) // (seeds * folds) if planned else 0
    over_folds = f" x {folds} folds" if folds > 1 else ""
    console.print(
        f"{counted(len(planned), 'run')}: {counted(assemblies, 'assembly', 'assemblies')} x "
        f"{counted(seeds, 'seed')}{over_folds}"
        if assemblies * seeds * folds == len(planned)
        else counted(len(planned), "run")
    )
    if left_out := plan.combinations - len(planned):
        console.print(f"{left_out} combinations mean the same as others and are left out")
    finished = sum(run.finished for run in planned)
    begun = sum(not run.finished and run.epochs_done > 0 for run in planned)
    if finished or begun:
        console.print(f"{finished} are finished and skipped, {begun} are begun and resumed")
    for problem, count in problems_of(planned).items():
        console.print(titled(f"{count} runs can not be built:", f" {problem}"))
    if finished < len(planned):
        at_once = f"{plan.at_once} at once" if plan.at_once > 1 else "one at a time"
        each = f"{counted(plan.threads, 'thread')} each"
        elsewhere = " at the speed of this machine" if plan.place.is_elsewhere else ""
        beside = "; measuring the metrics comes on top" if plan.measures else ""
        console.print(f"about {duration(plan.seconds)} for the rest{elsewhere}, {at_once}, {each}{beside}")


def problems_of(planned: Sequence[PlannedRun]) -> dict[str, int]:
    """Why runs can not be built -> how many."""
    counts: dict[str, int] = {}
    for run in planned:
        if run.problem:
            counts[run.problem] = counts.get(run.problem, 0) + 1
    return counts


def confirm(planned: Sequence[PlannedRun], *, yes: bool) -> None:
    """Ask before anything is trained.

    Raises:
        UsageError: nothing can be built, or nobody is there to answer and ``--yes`` was not given.
    """
    if all(run.problem for run in planned):
        raise UsageError(f"none of the assemblies can be built: {planned[0].problem}")
    if yes or all(run.finished for run in planned):
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to answer: add --yes to start the runs, or --dry-run to only look")
    typer.confirm("Start?", default=True, abort=True)


def failures(statuses: Sequence[RunStatus]) -> dict[str, str]:
    """What went wrong -> the runs that it stopped: their names, or how many of more than three."""
    runs: dict[str, list[str]] = {}
    for status in statuses:
        if status.state == "failed":
            runs.setdefault(status.error, []).append(status.name)
    return {
        error: ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"
        for error, names in runs.items()
    }


def print_sureness(found: Sureness) -> None:
    """What adding seeds has made clear."""
    from netlab.comparison.sequential import SURE_COLUMNS, sure_rows

    console = terminal()
    console.print(titled(f"\nTest accuracy, difference that matters {found.rule.smallest:g}"))
    table = plain_table(*SURE_COLUMNS, right=set(SURE_COLUMNS[1:-1]), header_style="dim")
    for row in sure_rows(found):
        table.add_row(*row)
    console.print(table)
    looks = ", ".join(map(str, found.rule.looks))
    console.print(
        f"All together hold with 95 %, looked at with {looks} seeds. The tables below do not know that seeds "
        "were added until these were clear.",
        style="dim",
    )


def print_outcome(outcome: SweepOutcome) -> None:
    """The failures, the comparison of what is finished, and how to see it again.

    Raises:
        NetlabError: a run failed.
    """
    from netlab.cli.comparison.compare import print_tables

    console, statuses = terminal(), outcome.statuses
    for error, names in failures(statuses).items():
        console.print(titled("failed", f" {names}: {error}"), soft_wrap=True)
    for line in outcome.notes:
        note(line)
    if outcome.comparisons or outcome.no_comparison:
        if outcome.sureness is not None:
            print_sureness(outcome.sureness)
        console.print()
        print_tables(outcome.comparisons)
        if outcome.no_comparison:
            say(console, f"no comparison: {outcome.no_comparison}")
        console.print(f"\nsweep '{outcome.name}': netlab compare --sweep {outcome.name}")
    failed = sum(status.state == "failed" for status in statuses)
    if failed:
        raise NetlabError(f"{failed} of {len(statuses)} runs failed; the same command tries them again")
