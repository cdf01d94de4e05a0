"""Two ways to ask plugins: here, or in a process that is watched (``netlab.engine.watching``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint

from netlab.engine.declaration import Declaration, Problem
from netlab.engine.declaring import declared
from netlab.engine.plugin import Plugin

Answer = tuple[Declaration, bool]  # with whether its import was waited for
Ask = Callable[[Sequence[EntryPoint]], Iterable[Answer]]
AskOptions = Callable[[Plugin, str], Problem | None]  # why a module of options can not be imported


def in_this_process(points: Sequence[EntryPoint]) -> list[Answer]:
    """What plugins declare, whose modules are imported here."""
    return [(declared(point), True) for point in points]


def watched(points: Sequence[EntryPoint]) -> Iterable[Answer]:
    """What plugins declare, as it was kept or asked for in a process of its own."""
    from netlab.engine import watching  # not where there are only netlab's own plugins

    return watching.watched(points)


def unwatched_options(plugin: Plugin, target: str) -> Problem | None:
    """No problem: what there is, is seen where the options are imported."""
    return None


def watched_options(plugin: Plugin, target: str) -> Problem | None:
    """What became of an import of a plugin's options in a process of its own; None where it went well.

    The module of the declaration was watched already.
    """
    module = target.partition(":")[0]
    if plugin.builtin or plugin.point is None or module == plugin.target.partition(":")[0]:
        return None
    from netlab.engine import watched_options as watching

    return watching.problem_of(plugin, target)
