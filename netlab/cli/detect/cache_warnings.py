"""One warning line for each broken file of the proposal cache."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netlab.cli.core.console import warn


@contextmanager
def broken_cache_files_reported() -> Iterator[None]:
    """Show warnings of broken cache files as one line each."""
    from netlab.data.cache import CacheWarning

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
