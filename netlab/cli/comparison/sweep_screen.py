"""A sweep on the terminal from its plan to its end: what is shown, what is asked, what goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from netlab.cli.comparison.sweep_live import watcher
from netlab.cli.comparison.sweep_output import confirm, duration, show_plan
from netlab.cli.core.console import note, terminal
from netlab.comparison.tables import counted

if TYPE_CHECKING:
    from netlab.sweep.driver import RunStatus
    from netlab.sweep.run import SweepPlan, Watch


class SweepScreen:
    """Shows the plan, asks, and shows the runs while they go on: a ``SweepWatcher``."""

    def __init__(self, *, yes: bool, dry_run: bool) -> None:
        self._yes, self._dry_run = yes, dry_run
        self._status = terminal(stderr=True).status("planning")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def timed(self, done: int, total: int) -> None:
        self._status.update(f"timing one step of every assembly: {done} of {total}")

    def planned(self, plan: SweepPlan) -> bool:
        self._status.stop()
        show_plan(plan)
        if self._dry_run:
            return False
        confirm(plan.runs, yes=self._yes)
        self._yes = True  # seeds that are added later are not asked for again
        return True

    @contextlib.contextmanager
    def running(self, statuses: Sequence[RunStatus]) -> Iterator[Watch]:
        began, waiting = time.monotonic(), sum(not status.ended for status in statuses)
        try:
            with watcher(statuses) as watch:
                yield watch
        except KeyboardInterrupt:
            ended = sum(status.state in ("finished", "skipped") for status in statuses)
            note(f"interrupted with {ended} of {len(statuses)} runs finished; the same command goes on")
            raise
        if waiting:
            print(f"{counted(waiting, 'run')} in {duration(time.monotonic() - began)}")
