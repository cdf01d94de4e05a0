"""A plugin as it was found: who ships it, how far it came, and what went wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

from netlab.engine.blocking import PluginKey
from netlab.engine.declaration import Phase
from netlab.engine.distributions import OWN_DISTRIBUTION
from netlab.errors import first_line
from netlab.specs import ComponentSpec

SLOW_IMPORT = 1.0  # seconds; a light plugin takes about a thousandth of it

State = Literal[
    "ok", "in part", "blocked", "failed", "needs newer netlab", "needs older netlab", "needs another netlab"
]


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """What went wrong with a plugin, in which phase. ``details`` is the traceback as text."""

    plugin: str
    distribution: str
    version: str
    phase: Phase
    error: BaseException
    details: str

    def __str__(self) -> str:
        who = f"plugin '{self.plugin}' ({self.distribution} {self.version})"
        return f"{who} failed at {self.phase}: {first_line(self.error)}"


@dataclass(slots=True)
class Plugin:
    """One entry point: who ships it, and how far it came."""

    name: str
    distribution: str
    version: str
    target: str
    state: State = "ok"
    point: metadata.EntryPoint | None = None
    summary: str = ""
    components: list[ComponentSpec] = field(default_factory=list)
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    settings: str | None = None  # "netlab_mine.settings:Settings", the model of what its hooks are given
    hooks: tuple[str, ...] = ()
    import_seconds: float = 0.0
    waited: bool = False  # for its import, in this process or for it
    module: Any = None  # once one of its hooks was called

    @property
    def key(self) -> PluginKey:
        return PluginKey(self.name, self.distribution)

    @property
    def builtin(self) -> bool:
        return self.distribution == OWN_DISTRIBUTION

    @property
    def works(self) -> bool:
        """Whether its hooks are called: something that it declared may have been left out."""
        return self.state in ("ok", "in part")
