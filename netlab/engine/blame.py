"""Whose failure an exception is, that came while a network ran: the plugin's whose code raised it.

A part is called under guard (``Component.build``), but the module that it gave is run by PyTorch, long
after. Wrapping every ``forward`` would change what is compiled, copied and exported; the traceback says
the same: the innermost frame that lies in a plugin's package is where it went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netlab.errors import NetlabError, PluginError, first_line

if TYPE_CHECKING:
    from netlab.engine.manager import PluginManager
    from netlab.engine.plugin import Plugin


def of_the_machine(error: BaseException) -> bool:
    """Whether memory, a disk or the user ended it: nobody's failure."""
    # torch.OutOfMemoryError is a RuntimeError; by its name, as nothing here imports PyTorch.
    return (
        isinstance(error, (MemoryError, OSError, KeyboardInterrupt))
        or type(error).__name__ == "OutOfMemoryError"
    )


def modules_of(error: BaseException) -> Iterator[str]:
    """The names of the modules whose code the exception passed through, innermost first."""
    names = []
    frame = error.__traceback__
    while frame is not None:
        names.append(str(frame.tb_frame.f_globals.get("__name__", "")))
        frame = frame.tb_next
    yield from reversed(names)


def plugin_error(error: BaseException, manager: PluginManager) -> PluginError | None:
    """The exception as the failure of the plugin whose code raised it; None where it is nobody's.

    netlab's own parts are not looked at: what they raise is an error of netlab.
    """
    if isinstance(error, NetlabError) or of_the_machine(error):
        return None
    for module in modules_of(error):
        for plugin in manager.plugins:
            if not plugin.builtin and plugin.works and lies_in(module, plugin):
                manager.fail(plugin, "use", error)
                return PluginError(f"{name_of(module, plugin)} failed: {first_line(error)}")
    return None


def lies_in(module: str, plugin: Plugin) -> bool:
    """Whether a module is of the plugin's import package, or one that a part of it is loaded from."""
    package = plugin.target.partition(":")[0].partition(".")[0]
    return module.partition(".")[0] == package or module in targets_of(plugin)


def targets_of(plugin: Plugin) -> dict[str, list[str]]:
    """The titles of the plugin's parts by the module that each is loaded from."""
    titles: dict[str, list[str]] = {}
    for spec in plugin.components:
        titles.setdefault(spec.target.partition(":")[0], []).append(f"{spec.kind} '{spec.name}'")
    return titles


def name_of(module: str, plugin: Plugin) -> str:
    """The part that the module is of, where it is of one only, or the plugin."""
    titles = targets_of(plugin).get(module, [])
    title = titles[0] if len(titles) == 1 else f"plugin '{plugin.name}'"
    return f"{title} of {plugin.distribution} {plugin.version}"
