"""Which plugins may be loaded: what the environment, the user's file and the project's file say.

The two files are TOML with a table ``[plugins]``::

    [plugins]
    disable = ["slow-plugin", "netlab-plugin-noisy"]   # entry points or distributions
    autoload = false                                   # only netlab's own, and files that are named
    folder = false                                     # not the files of netlab_plugins beside the runs
    strict = true                                      # a plugin's failure ends the command
    [plugins.NAME]                                     # settings of a plugin's hooks (engine.hook_settings)

The user's is ``netlab/config.toml`` in the configuration folder (``$XDG_CONFIG_HOME`` or ``~/.config``;
``%APPDATA%`` on Windows), the project's is ``netlab.toml`` in the current folder or the nearest one
above it. What is disabled anywhere is disabled. Elsewhere the closer source wins: environment, then
project, then user.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.engine.kept import depend_on
from netlab.errors import UsageError, closest

KEYS = ("disable", "autoload", "folder", "strict")


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """``disabled`` are names of entry points or distributions; the rest as in the file."""

    disabled: frozenset[str] = frozenset()
    autoload: bool = True
    folder: bool = True
    strict: bool = False


def plugin_settings(disabled: Iterable[str] = ()) -> PluginSettings:
    """The settings of this process; ``disabled`` are those of ``--no-plugin``.

    Raises:
        UsageError: one of the files is not valid TOML, or has an unknown key or a wrong type.
    """
    autoload, folder, strict = True, True, False
    names = set(disabled)
    for path in settings_files():
        table = read_table(path)
        names.update(table.get("disable", ()))
        autoload = table.get("autoload", autoload)
        folder = table.get("folder", folder)
        strict = table.get("strict", strict)
    names.update(name.strip() for name in os.environ.get("NETLAB_DISABLE_PLUGINS", "").split(","))
    return PluginSettings(
        disabled=frozenset(names - {""}),
        autoload=environment_switch("NETLAB_PLUGIN_AUTOLOAD", autoload),
        folder=environment_switch("NETLAB_PLUGIN_FOLDER", folder),
        strict=environment_switch("NETLAB_STRICT_PLUGINS", strict),
    )


def environment_switch(variable: str, otherwise: bool) -> bool:
    """Whether a variable is on (``0`` is off); ``otherwise`` when it is not set or empty."""
    value = os.environ.get(variable, "")
    return otherwise if value == "" else value != "0"


def settings_files() -> list[Path]:
    """The user's and the project's file, those that exist, in this order."""
    here, user = Path.cwd(), user_file()
    projects = [folder / "netlab.toml" for folder in (here, *here.parents)]
    depend_on(map(str, (user, *projects)))
    project = next((path for path in projects if path.is_file()), None)
    return [path for path in (user, project) if path is not None and path.is_file()]


def tables_in_files() -> list[tuple[str, Mapping[str, Mapping[str, Any]]]]:
    """The tables ``[plugins.NAME]`` of each file by NAME, with the file's path; the closer file is later.

    Raises:
        UsageError: a file is wrong.
    """
    return [
        (str(path), {name: value for name, value in read_table(path).items() if isinstance(value, Mapping)})
        for path in settings_files()
    ]


def user_file() -> Path:
    """Where the user's file is, whether it exists or not."""
    if os.name == "nt":
        folder = Path(os.environ.get("APPDATA") or "~/AppData/Roaming")
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    with contextlib.suppress(RuntimeError):  # no home folder
        folder = folder.expanduser()
    return folder / "netlab" / "config.toml"


def read_table(path: Path) -> Mapping[str, Any]:
    """The table ``[plugins]`` of a file, its keys and types checked.

    Raises:
        UsageError: saying file, key and what was expected.
    """
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    for name in content:
        if name != "plugins":
            raise UsageError(
                f"{path} has an unknown table '{name}'.{closest(name, ['plugins'])} Known: plugins"
            )
    table = content.get("plugins", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: 'plugins' must be a table, [plugins]")
    for key, value in table.items():
        if isinstance(value, Mapping) and key not in KEYS:
            continue  # of a plugin, which may not be installed here: seen to where its hooks are called
        if key not in KEYS:
            raise UsageError(
                f"{path}: [plugins] has no key '{key}'.{closest(key, KEYS)} Known: {', '.join(KEYS)}"
            )
        if key == "disable" and not (
            isinstance(value, list) and all(isinstance(name, str) for name in value)
        ):
            raise UsageError(f'{path}: [plugins] disable must be a list of names, such as ["NAME"]')
        if key != "disable" and not isinstance(value, bool):
            raise UsageError(f"{path}: [plugins] {key} must be true or false, not {value!r}")
    return table
