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
) -> list[Flag]:
    """The flags of a chosen part and of the parts that its options name.

    Which part an option names is read from ``words``, those of the command line, else from ``table``, the
    part's in a configuration file, else it is the option's default. ``prefix`` is what stands before the
    part's options, that of its kind where nothing else is said.

    Raises:
        UsageError: an option names no part.
        PluginError: an option has a type that no flag can hold.
    """
    return list(_flags(component, prefix or component.prefix, words, table))


def _flags(
    component: Component, prefix: str, words: Sequence[str], table: Mapping[str, Any]
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
        filed = table.get(option)
        below = ChosenPart.of(filed).table() if isinstance(filed, (str, Mapping)) else {}
        name = typed or below.get("name") or default_name(model, option)
        if name is None:
            continue
        named = component.catalog.find(kind, name)
        panel = f"{dashed.capitalize()} '{named.name}'"
        below = below if below.get("name") == name else {}
        for flag in _flags(named, f"{prefix}.{dashed}", words, below):
            yield replace(flag, panel=panel) if flag.owner == named.title else flag


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
