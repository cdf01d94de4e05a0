"""Reads which parts a command line names, before its flags are known."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError
from netlab.kinds import KINDS


def read_selectors(arguments: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The values of the flags ``--NAME`` in ``arguments``, for those that are there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in names:
        parser.add_argument(f"--{name}", dest=name)
    try:
        found, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError:
        return {}  # a flag without its value: Typer says so
    return {name: value for name, value in vars(found).items() if value is not None}


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary.

    Raises:
        UsageError: it is not there or is not TOML; the message gives file and line.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def choose_parts(
    catalog: Catalog, kinds: Sequence[str], selectors: Mapping[str, str], file: Mapping[str, Any]
) -> dict[str, Component]:
    """The component of each kind: named by a flag, else by the file's table, else the default."""
    chosen = {}
    for kind in kinds:
        selector = KINDS[kind].selector
        table = file.get(selector, {})
        if not isinstance(table, Mapping):
            raise UsageError(f"'{selector}' in the configuration must be a table with a 'name'")
        name = selectors.get(selector) or table.get("name")
        chosen[kind] = catalog.default(kind) if name is None else catalog.find(kind, str(name))
    return chosen


Completion = Callable[[str], list[tuple[str, str]]]


def complete_names(catalog: Catalog, kind: str, *, several: bool = False) -> Completion:
    """Completes a selector's value: (name, summary) of the components of a kind, clashing names in full.

    With ``several`` the value may be a list, ``a,b``: its last name is completed.
    """

    def complete(incomplete: str) -> list[tuple[str, str]]:
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        given = before.split(",")
        found = []
        for component in catalog.of_kind(kind):
            name = component.name
            if catalog.clashes(component):
                name = f"{name}@{component.plugin.distribution}"
            if name.startswith(last) and name not in given:
                found.append((f"{before}{comma}{name}", component.spec.summary))
        return found

    return complete


def selector_completions(
    catalog: Catalog, kinds: Sequence[str], *, several: bool = False
) -> dict[str, Completion]:
    """For each selector of these kinds, what completes its value in a shell (see ``with_flags``)."""
    return {KINDS[kind].selector: complete_names(catalog, kind, several=several) for kind in kinds}
