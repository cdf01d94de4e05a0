"""The flags that choose parts, and which parts a command line names before its other flags are known."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from netlab.cli.core.flags import PANEL, Completion, Flag
from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError
from netlab.kinds import KINDS

PART_HELPS = {
    "dataset": "The data set.",
    "backbone": "The skeleton.",
    "block": "The block that it repeats.",
    "norm": "The normalization.",
    "activation": "The activation.",
    "recipe": "Where values come from that are not given.",
    "optimizer": "How a step changes the weights.",
    "schedule": "How the learning rate changes.",
    "loss": "What training makes small.",
}

CHAIN_HELPS = {
    "augmentation": "What is done to training images",
    "callback": "What goes along with the steps",
}


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


def read_repeated(arguments: Sequence[str], name: str) -> list[str] | None:
    """Every value of the flag ``--NAME`` in ``arguments``, in order; None where it is not there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(f"--{name}", dest=name, action="append")
    try:
        found: list[str] | None = vars(parser.parse_known_args(list(arguments))[0])[name]
    except argparse.ArgumentError:
        return None  # a flag without its value: Typer says so
    return found


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


def selector_flags(
    catalog: Catalog,
    kinds: Iterable[str],
    helps: Mapping[str, str],
    chosen: Mapping[str, Component] = MappingProxyType({}),
    *,
    several: bool = False,
) -> list[Flag]:
    """The flags that choose parts: ``--block grouped``. Their values belong to the table ``parts``.

    ``helps`` says what the parts are by kind, ``chosen`` holds the present choice, ``several`` lets a
    list of names be completed: ``a,b``.
    """
    return [
        Flag(
            "parts", KINDS[kind].selector, KINDS[kind].selector, "the command", PANEL, str,
            f"{helps[kind]} Default: {chosen[kind].name}." if kind in chosen else helps[kind],
            completion=complete_names(catalog, kind, several=several),
        )
        for kind in kinds
    ]  # fmt: skip


def chain_flags(catalog: Catalog, chains: Mapping[str, Sequence[Component]]) -> list[Flag]:
    """The flags that name parts of chains, in order: ``--augment flip --augment cutmix``."""
    return [
        Flag(
            "parts", KINDS[kind].selector, KINDS[kind].selector, "the command", PANEL, list[str],
            f"{CHAIN_HELPS[kind]}; repeat it for several."
            f" Default: {' '.join(part.name for part in chain) or 'none'}.",
            completion=complete_names(catalog, kind),
        )
        for kind, chain in chains.items()
    ]  # fmt: skip


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
