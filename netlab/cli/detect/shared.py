"""What the subcommands of ``netlab detect`` share: their words, folders and warnings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netlab.cli.core.flags import Flag, own_spellings, rewrite_short_flags, with_flags
from netlab.cli.core.progress import warn
from netlab.cli.core.selection import selector_completions
from netlab.cli.core.session import Session
from netlab.engine.catalog import Component

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
