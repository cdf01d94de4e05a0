"""Which plugins a user leaves out, by the words that name them.

``DISTRIBUTION`` names all its plugins, ``NAME`` a plugin, and ``NAME@DISTRIBUTION`` that of one
distribution where several have one of the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from netlab.engine.distributions import canonical
from netlab.errors import UsageError


class PluginKey(NamedTuple):
    """An entry point: its name, and the canonical name of its distribution."""

    name: str
    distribution: str

    def __str__(self) -> str:
        return f"{self.name}@{self.distribution}"


def meant_by(word: str, plugins: Iterable[PluginKey]) -> list[PluginKey]:
    """The plugins that a word may mean: none, those of one distribution, or those of several."""
    name, at, distribution = word.partition("@")
    if at:
        return [plugin for plugin in plugins if plugin == (name, canonical(distribution))]
    return [plugin for plugin in plugins if plugin.name == word or plugin.distribution == canonical(word)]


def left_out(words: Iterable[str], plugins: Collection[PluginKey]) -> set[PluginKey]:
    """The plugins that ``words`` name. A word that names none is left alone: it may serve elsewhere.

    Raises:
        UsageError: a word fits plugins of several distributions.
    """
    found: set[PluginKey] = set()
    for word in words:
        meant = meant_by(word, plugins)
        if len({plugin.distribution for plugin in meant}) > 1:
            choices = " or ".join(f"'{plugin}'" for plugin in sorted(set(meant)))
            raise UsageError(
                f"several distributions have a plugin '{word}', so it does not say which to leave out:"
                f" write {choices}"
            )
        found.update(meant)
    return found
