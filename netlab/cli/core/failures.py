"""What the user is told of plugins that failed, or that are slow to import: lines on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from netlab.engine.distributions import is_file
from netlab.engine.plugin import SLOW_IMPORT, Plugin, PluginFailure
from netlab.visible import visible


def report_failures(failures: Iterable[PluginFailure], *, debug: bool = False) -> None:
    """One line a failure on standard error, with the traceback in debug mode."""
    for failure in failures:
        print(f"netlab: {visible(failure)}", file=sys.stderr)
        if debug:
            print(failure.details, file=sys.stderr)


def report_slow_imports(plugins: Iterable[Plugin]) -> None:
    """One line on standard error for every plugin whose import every command has to wait for."""
    for plugin in plugins:
        # A file is there because this very command needs it, and imports what its parts need.
        if plugin.waited and plugin.import_seconds > SLOW_IMPORT and not is_file(plugin.distribution):
            print(
                f"netlab: plugin '{plugin.name}' ({plugin.distribution} {plugin.version}) took"
                f" {plugin.import_seconds:.1f} s to import: --no-plugin {plugin.name} skips it,"
                f" 'netlab plugins check {plugin.name}' says why",
                file=sys.stderr,
            )
