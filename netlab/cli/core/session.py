"""What every command shares: debug mode, the catalogue, output, and the end of the process."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from netlab.cli.core.console import note
from netlab.cli.core.failures import report_failures, report_slow_imports
from netlab.engine.blame import plugin_error
from netlab.engine.blocking import meant_by
from netlab.engine.file_plugins import files_beside
from netlab.engine.hook_settings import read_set
from netlab.engine.manager import PluginManager
from netlab.engine.plugin_settings import plugin_settings
from netlab.errors import NetlabError, PluginError, closest, first_line
from netlab.visible import visible

if TYPE_CHECKING:
    from netlab.engine.catalog import Catalog

VALUED = ("--no-plugin", "--plugin", "--set")  # the flags of netlab itself that take a value
COMPLETING = "_NETLAB_COMPLETE"  # the environment variable by which a shell asks; as in ``netlab.cli.start``


@dataclass
class Session:
    """One call of ``netlab``: its words after the program's name, and its global flags.

    ``completing`` is true while a shell asks how to complete a line: then nothing may be printed.
    ``only_shows`` says whether it did nothing but list or explain: until a command is called that does more.
    ``errors`` is where the end of the process is explained: standard error, unless something else was
    put in its place. ``may_complain`` says whether it is this process that explains it.
    """

    arguments: list[str]
    debug: bool = False
    blocked: list[str] = field(default_factory=list)
    plugin_files: list[str] = field(default_factory=list)  # of --plugin
    settings_given: list[str] = field(default_factory=list)  # of --set, NAME.OPTION=VALUE
    typed: tuple[str, ...] = ()  # the words as they were typed
    completing: bool = False
    only_shows: bool = True
    exit_code: int = 0
    depth: int = 1  # the words that name the command: 2 for a subcommand
    errors: TextIO | None = None
    may_complain: Callable[[], bool] = lambda: True

    @cached_property
    def manager(self) -> PluginManager:
        """Every installed plugin; failures are reported once, on standard error."""
        beside = self._plugins_beside_runs()
        files: list[str | Path] = [*self.plugin_files, *beside]
        manager = PluginManager.from_environment(self.blocked, files, read_set(self.settings_given))
        if beside and not self.completing:
            names = ", ".join(path.name for path in beside)
            note(f"loaded {names} of {beside[0].parent} (NETLAB_PLUGIN_FOLDER=0 leaves out what lies there)")
        if not self.completing:
            report_failures(manager.failures, debug=self.debug)
            report_slow_imports(manager.plugins)
            self._report_unknown(manager)
        return manager

    def _plugins_beside_runs(self) -> Sequence[Path]:
        """The files of ``netlab_plugins`` in the folder that holds the folder of runs or detectors."""
        settings = plugin_settings()
        if not settings.folder or not settings.autoload:
            return ()
        given = typed_value(self.arguments, ("--runs", "--detectors"))
        beside = files_beside(Path(given or "runs").absolute().parent)
        named = {Path(file).absolute() for file in self.plugin_files}
        return [path for path in beside if path not in named]

    def _report_unknown(self, manager: PluginManager) -> None:
        """A name after --no-plugin that blocked nothing is likely a slip; one in a file may serve others."""
        keys = [plugin.key for plugin in manager.plugins]
        known = {name for key in keys for name in (*key, str(key))}
        for name in self.blocked:
            if not meant_by(name, keys):
                hint = closest(name, known)
                note(f"--no-plugin {name}: there is no such plugin.{hint}")

    @cached_property
    def catalog(self) -> Catalog:
        """Every installed component."""
        from netlab.engine.catalog import Catalog

        return Catalog(self.manager)

    @property
    def uses_plugins(self) -> bool:
        """Whether the plugins were loaded: this does not load them."""
        return "manager" in self.__dict__

    @property
    def hook_failed(self) -> bool:
        """Whether a plugin's hook raised while the command did its work."""
        return self.uses_plugins and any(failure.phase == "event" for failure in self.manager.failures)

    @property
    def after_command(self) -> list[str]:
        """The words after the command's name."""
        return self.arguments[self.depth :]

    @after_command.setter
    def after_command(self, words: Sequence[str]) -> None:
        self.arguments[self.depth :] = words


def typed_value(words: Sequence[str], flags: Sequence[str]) -> str | None:
    """The last value of one of the flags among the words of a command line."""
    value = None
    for position, word in enumerate(words):
        name, equals, given = word.partition("=")
        if name in flags:
            value = given if equals else next(iter(words[position + 1 :]), None)
    return value


def take_global_flags(words: Sequence[str]) -> Session:
    """Read the flags of netlab itself wherever they stand: ``--debug`` and those of ``VALUED``."""
    session = Session([], debug=os.environ.get("NETLAB_DEBUG", "0") not in ("", "0"), typed=tuple(words))
    values = dict(zip(VALUED, (session.blocked, session.plugin_files, session.settings_given), strict=True))
    rest = iter(words)
    for word in rest:
        if word == "--":
            session.arguments += [word, *rest]
        elif word == "--debug":
            session.debug = True
        elif (flag := word.partition("=")[0]) in values:
            value = word.partition("=")[2] if "=" in word else next(rest, None)
            if value is not None:
                values[flag].append(value)
        else:
            session.arguments.append(word)
    return session


def run_guarded(action: Callable[[], None], session: Session) -> int:
    """Run a command and give its exit code; what it raises becomes one line on standard error.

    A command that did its work although a hook of a plugin failed ends with 3 all the same.
    """
    code = ended(action, session)
    return PluginError.exit_code if code == 0 and session.hook_failed else code


def ended(action: Callable[[], None], session: Session) -> int:
    """Run a command and give its exit code by what it raised."""
    try:
        action()
    except NetlabError as error:
        return complain(error, error.exit_code, session)
    except KeyboardInterrupt:
        print("netlab: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        return complain(error, 1, session)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        named = plugin_error(error, session.manager) if session.uses_plugins else None
        if named is None:
            return complain(error, 1, session)
        named.__cause__ = error
        return complain(named, named.exit_code, session)
    return 0


def complain(error: Exception, exit_code: int, session: Session) -> int:
    """Print the error as one line, or as a traceback in debug mode; nothing during completion."""
    if session.completing:
        return exit_code
    if session.debug:
        traceback.print_exception(error, file=session.errors)
    if not session.may_complain():
        return exit_code
    message = describe_os_error(error) if isinstance(error, OSError) else first_line(error)
    hint = "" if isinstance(error, (NetlabError, OSError)) or session.debug else " (--debug shows where)"
    print(f"netlab: error: {visible(message)}{hint}", file=session.errors or sys.stderr)
    return exit_code


def describe_os_error(error: OSError) -> str:
    """What the system refused, and on which file."""
    # A library may raise one without a number, whose text is then "[Errno None] None".
    reason = error.strerror or " ".join(map(str, error.args)) or "the file can not be read or written"
    if error.errno == errno.ENOSPC:
        reason += " (free some and run the same command again; what was written is whole)"
    where = f": {error.filename}" if error.filename else ""
    return f"{reason}{where}"
