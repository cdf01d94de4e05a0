"""The flags of a part, and those of the parts that its options name: ``--block.attention.k``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from netlab.cli.core.flags import Flag, component_flags
from netlab.cli.core.session import typed_value
from netlab.engine.catalog import Component
from netlab.engine.part_options import default_name, part_options
from netlab.kinds.chosen_part import ChosenPart


def part_flags(
    component: Component,
    words: Sequence[str],
    table: Mapping[str, Any] = MappingProxyType({}),
    *,
    prefix: str | None = None,
    several: bool = False,
) -> list[Flag]:
    """The flags of a chosen part and of the parts that its options name.

    Which part an option names is read from ``words``, those of the command line, else from ``table``, the
    part's in a configuration file, else it is the option's default. ``prefix`` is what stands before the
    part's options, that of its kind where nothing else is said. With ``several`` an option may name many, as
    in a grid: ``eca,se``.

    Raises:
        UsageError: an option names no part.
        PluginError: an option has a type that no flag can hold.
    """
    return list(_flags(component, prefix or component.prefix, words, table, several))


def _flags(
    component: Component, prefix: str, words: Sequence[str], table: Mapping[str, Any], several: bool
) -> Iterator[Flag]:
    flags, model = component_flags(component, prefix), component.options_model()
    naming = part_options(model, component.manager.kinds) if model is not None else {}
    # The name of a part is checked by the catalogue, with its options.
    yield from (replace(flag, field=None) if flag.option in naming else flag for flag in flags)
    if model is None:
        return
    for option, kind in naming.items():
        dashed = option.replace("_", "-")
        typed = typed_value(words, (f"--{prefix}.{dashed}", f"--{dashed}"))
        filed = [each for each in listed(table.get(option), several) if isinstance(each, (str, Mapping))]
        tables = [ChosenPart.of(each).table() for each in filed]
        names = listed(typed.split(",") if typed and several else typed, several)
        names = names or [name for below in tables for name in listed(below["name"], several)]
        names = names or listed(default_name(model, option), several)
        for name in dict.fromkeys(str(name).strip() for name in names):
            named = component.catalog.find(kind, name)
            panel = f"{dashed.capitalize()} '{named.name}'"
            below = next((below for below in tables if below["name"] == name), {})
            for flag in _flags(named, f"{prefix}.{dashed}", words, below, several):
                yield replace(flag, panel=panel) if flag.owner == named.title else flag


def listed(value: Any, several: bool) -> list[Any]:
    """The alternatives of a value: itself, if it is there, where it can not have ``several``."""
    if value is None:
        return []
    return list(value) if several and isinstance(value, list) else [value]


def folded(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What flags say with the options of a named part in the option that names it.

    ``{"block": {"attention": "eca"}, "block.attention": {"k": 3}}`` becomes
    ``{"block": {"attention": {"name": "eca", "k": 3}}}``.
    """
    found = {table: dict(values) for table, values in given.items()}
    while table := max((name for name in found if "." in name), key=lambda name: name.count("."), default=""):
        above, _, option = table.rpartition(".")
        key = option.replace("-", "_")
        values, owner = found.pop(table), found.setdefault(above, {})
        owner[key] = {**({"name": owner[key]} if key in owner else {}), **values}
    return found
