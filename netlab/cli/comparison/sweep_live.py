"""The runs of a sweep while they go on: a live table in a terminal, a line whenever one changes elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from netlab.cli.comparison.sweep_output import duration, failures
from netlab.cli.core.console import terminal

if TYPE_CHECKING:
    from netlab.sweep.driver import RunStatus

Watch = Callable[["RunStatus"], None]
ERRORS = 3  # different ones that are shown
PATIENCE = 5.0  # seconds of work before the rest is estimated
ORDER = {"running": 0, "waiting": 1, "finished": 2, "skipped": 3, "failed": 4}


@contextlib.contextmanager
def watcher(statuses: Sequence[RunStatus]) -> Iterator[Watch]:
    """Show the runs; gives what is to be called with each that changed."""
    console = terminal()
    if not console.is_terminal:
        yield lambda status: print_change(console, status)
        return
    pace = Pace(statuses)

    def view() -> RenderableType:
        return live_view(statuses, console.height, pace.left(statuses))

    with Live(view(), console=console, refresh_per_second=4) as live:
        yield lambda status: live.update(view())


class Pace:
    """How long the rest takes, by the epochs that were done since the first one ended."""

    def __init__(self, statuses: Sequence[RunStatus]) -> None:
        self._at_start = epochs_done(statuses)
        self._first: tuple[float, int] | None = None

    def left(self, statuses: Sequence[RunStatus]) -> float | None:
        """Seconds; None while too little is done to tell."""
        done = epochs_done(statuses)
        if self._first is None:
            if done > self._at_start:
                self._first = time.monotonic(), done
            return None
        passed, more = time.monotonic() - self._first[0], done - self._first[1]
        if passed < PATIENCE or not more:
            return None
        return passed * (epochs_planned(statuses) - done) / more


def epochs_planned(statuses: Sequence[RunStatus]) -> int:
    return sum(status.epochs for status in statuses if status.state != "failed")


def epochs_done(statuses: Sequence[RunStatus]) -> int:
    return sum(
        status.epochs if status.ended else min(status.epoch, status.epochs)
        for status in statuses
        if status.state != "failed"
    )


def print_change(console: Console, status: RunStatus) -> None:
    """One line; epochs are not worth one."""
    if status.state == "running" and status.epoch > 0:
        return
    console.print(f"{status.state:8} {status.name}{note(status)}", soft_wrap=True)


def note(status: RunStatus) -> str:
    """What else there is to say of a run."""
    if status.state == "failed":
        return f": {status.error}"
    if status.state in ("finished", "skipped"):
        return f": test accuracy {status.accuracy:.4f}" if status.accuracy is not None else ""
    if status.attempts > 1:
        return f": again, {status.error}"
    return ""


def live_view(statuses: Sequence[RunStatus], height: int, left: float | None) -> RenderableType:
    """The runs that fit on a screen of ``height`` lines, those that go on first, and what went wrong."""
    errors = list(failures(statuses).items())[:ERRORS]
    room = max(height - 8 - len(errors), 3)
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    table.add_column("run", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    table.add_column("epoch", justify="right", no_wrap=True)
    table.add_column("", width=12)
    table.add_column("accuracy", justify="right", no_wrap=True)
    for status in sorted(statuses, key=lambda status: ORDER[status.state])[:room]:
        state = status.state if status.attempts < 2 or status.ended else f"{status.state}, again"
        bar = ProgressBar(total=max(status.epochs, 1), completed=status.epoch, width=12)
        accuracy = f"{status.accuracy:.4f}" if status.accuracy is not None else ""
        table.add_row(Text(status.name), state, f"{status.epoch}/{status.epochs}", bar, accuracy)
    lines: list[RenderableType] = [table]
    if len(statuses) > room:
        lines.append(Text(f"and {len(statuses) - room} more", style="dim"))
    for error, names in errors:
        lines.append(Text(f"failed {names}: {error}", no_wrap=True, overflow="ellipsis"))
    summary = Table.grid(expand=True, padding=(0, 1))
    summary.add_column(no_wrap=True)
    summary.add_column(ratio=1)
    summary.add_column(no_wrap=True)
    done, total = epochs_done(statuses), epochs_planned(statuses)
    summary.add_row(
        f"{sum(status.ended for status in statuses)} of {len(statuses)} runs",
        ProgressBar(total=max(total, 1), completed=done),
        f"about {duration(left)} left" if left is not None and done < total else "",
    )
    return Group(*lines, summary)
