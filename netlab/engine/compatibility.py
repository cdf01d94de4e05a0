"""Whether a plugin is for this netlab: the version of its API, and what it requires of us."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

from netlab import __version__
from netlab.engine.declaration import Phase
from netlab.engine.distributions import OWN_DISTRIBUTION, unmet_requirements
from netlab.engine.plugin import Plugin, State
from netlab.errors import PluginError
from netlab.specs import API_VERSION, ENTRY_POINT_GROUP

Misfit = tuple[State, Phase, Exception]


def misfit(plugin: Plugin, point: metadata.EntryPoint, requirements: Sequence[str]) -> Misfit | None:
    """Why a plugin is not for this netlab: its state, the phase and the error; None where it is.

    ``requirements`` are those of its distribution.
    """
    if point.group != ENTRY_POINT_GROUP:
        return wrong_api(int(point.group.removeprefix("netlab.v")))
    if point.dist is None or plugin.builtin:
        return None
    try:
        unmet = unmet_requirements(requirements)
    except Exception as error:
        return "failed", "metadata", error
    if not unmet:
        return None
    asks_for_another = PluginError(
        f"it requires {' and '.join(unmet)}, and this is {OWN_DISTRIBUTION} {__version__}"
        f" (install another version of {plugin.distribution}, or the netlab that it requires)"
    )
    return "needs another netlab", "metadata", asks_for_another


def wrong_api(number: int) -> Misfit:
    """A plugin of another version of the API."""
    newer = number > API_VERSION
    error = PluginError(
        f"it is written for plugin API {number}; this netlab has {API_VERSION}"
        f" ({'upgrade netlab' if newer else 'ask its author for an update'})"
    )
    return "needs newer netlab" if newer else "needs older netlab", "api", error
