"""What the subcommands of ``netlab detect`` share: their words, folders, warnings and progress."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from netlab.cli.core.flags import Flag, own_spellings, rewrite_short_flags, with_flags
from netlab.cli.core.selection import selector_completions
from netlab.cli.core.session import Session
from netlab.engine.catalog import Component

if TYPE_CHECKING:
    from rich.console import Console

RUNS = Path("detectors")


def finish(
    session: Session,
    command: Callable[..., None],
    flags: Sequence[Flag],
    parts: Sequence[Component],
    *,
    several: bool = False,
) -> Callable[..., None]:
    """The command with ``flags``, and the session's words rewritten to their canonical form.

    ``several`` says whether a selector takes a list of names, ``a,b``.
    """
    rewritten = rewrite_short_flags(
        session.after_command[1:], flags, own_spellings(command), session.catalog, parts
    )
    position = session.arguments.index("detect") + 2
    session.arguments[position:] = rewritten
    kinds = ("proposer", "extractor")
    return with_flags(command, flags, selector_completions(session.catalog, kinds, several=several))


def split_names(given: Sequence[str] | None) -> list[str]:
    """``--classes cat,dog --classes bird`` as three names."""
    return [name.strip() for text in given or () for name in text.split(",") if name.strip()]


def cache_folder(chosen: Path | None, off: bool) -> Path | None:
    """Where answers are kept: the folder chosen, the user's cache folder, or nowhere."""
    from netlab.detection.proposals.cache import default_cache_folder

    if off:
        return None
    return chosen or default_cache_folder()


def warn(line: str) -> None:
    """One line on standard error."""
    print(f"netlab: warning: {line}", file=sys.stderr)


@contextmanager
def broken_cache_files_reported() -> Iterator[None]:
    """Show warnings of broken cache files as one line each."""
    from netlab.detection.proposals.cache import CacheWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", CacheWarning)
        show = warnings.showwarning

        def brief(message: Any, category: Any, *rest: Any, **named: Any) -> None:
            if issubclass(category, CacheWarning):
                warn(str(message))
            else:
                show(message, category, *rest, **named)

        warnings.showwarning = brief
        yield


class Progress:
    """Phases as a live bar in a terminal, as a line each elsewhere, or not at all."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.console = console
        self.quiet = quiet
        self.warnings: list[str] = []
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: Any = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def phase(self, name: str, total: int | None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total)
        if not self.quiet and not self.console.is_terminal and total:
            self.console.print(f"{name}: {total}", highlight=False)

    def advance(self, shown: str = "") -> None:
        self._bar.advance(self._task)

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        if self.quiet:
            return
        width = len(str(epochs))
        hard = f"  {int(row['hard_negatives'])} hard negatives" if row["hard_negatives"] else ""
        ap = "" if row["val_ap50"] != row["val_ap50"] else f"  val AP50 {row['val_ap50']:.3f}"
        self.console.print(
            f"epoch {int(row['epoch']):{width}}/{epochs}  loss {row['train_loss']:.3f}"
            f"  boxes {row['train_box_loss']:.3f}{ap}{hard}",
            highlight=False,
        )

    def warn(self, line: str) -> None:
        self.warnings.append(line)
        if len(self.warnings) <= 5:
            warn(line)

    def close_warnings(self) -> None:
        """Say how many warnings were not shown."""
        if len(self.warnings) > 5:
            warn(f"and {len(self.warnings) - 5} more such warnings")
