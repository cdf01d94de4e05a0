"""Flags that take several values: ``--paths 2,4`` makes a grid of ``netlab sweep``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from netlab.cli.core.flags import Flag, model_flags
from netlab.cli.core.part_flags import part_flags
from netlab.engine.catalog import Component
from netlab.errors import UsageError

SWITCH_VALUES = re.compile(r"(on|off|true|false|yes|no)(,(on|off|true|false|yes|no))*", re.IGNORECASE)


def grid_flags(components: Sequence[Component], words: Sequence[str], file: Mapping[str, Any]) -> list[Flag]:
    """One flag for every option of any of the components and of the training, each a list of values.

    ``words`` and ``file``, the tables of the grid, say which parts the options of components name.
    """
    from netlab.classification.settings import TrainingSettings

    merged: dict[str, Flag] = {}
    for component in components:
        for flag in part_flags(component, words, file.get(component.selector, {}), several=True):
            known = merged.get(flag.canonical)
            if known is None:
                merged[flag.canonical] = flag
            elif component.title not in known.owner:
                merged[flag.canonical] = replace(known, owner=f"{known.owner} and {component.title}")
    training = model_flags(TrainingSettings, table="training", owner="training", panel="Training")
    return [*merged.values(), *training]


def with_switch_values(words: Sequence[str], flags: Sequence[Flag]) -> list[str]:
    """Write switches with a value: ``--skip`` and ``--no-skip`` become ``on`` and ``off``; they also
    take alternatives, ``--skip on,off``."""
    switches = {flag.canonical for flag in flags if flag.is_switch}
    rewritten: list[str] = []
    for position, word in enumerate(words):
        positive = word.replace("--no-", "--", 1)
        if word in switches:
            following = words[position + 1] if position + 1 < len(words) else ""
            rewritten += [word] if SWITCH_VALUES.fullmatch(following) else [word, "on"]
        elif word.startswith("--no-") and positive in switches:
            rewritten += [positive, "off"]
        else:
            rewritten.append(word)
    return rewritten


def as_texts(flags: Sequence[Flag]) -> list[Flag]:
    """The flags as Typer is to see them: a text, with its values separated by commas."""
    return [replace(flag, annotation=str, field=None, help=f"{flag.help} Several: A,B,C.") for flag in flags]


def parse_values(flag: Flag, text: str) -> list[Any]:
    """The alternatives in a flag's text, each of the option's type; items of a list are joined by ``+``.

    Raises:
        UsageError: a value is not of the type, or out of range.
    """
    values = []
    for item in text.split(","):
        item = item.strip()
        if not item:
            raise UsageError(f"{flag.canonical} {text}: an empty value; write {flag.canonical} A,B,C")
        values.append(flag.parse(item.split("+") if flag.is_list else item))
    return values


def given_tables(given: Mapping[str, Mapping[str, Any]], flags: Sequence[Flag]) -> dict[str, dict[str, Any]]:
    """What the flags say, as the tables of a grid."""
    by_name = {(flag.table, flag.option): flag for flag in flags}
    tables = {
        table: values_of(table, options, by_name) for table, options in given.items() if table != "parts"
    }
    for selector, text in given.get("parts", {}).items():
        tables.setdefault(selector, {})["name"] = names_in_text(text)
    return tables


def values_of(
    table: str, options: Mapping[str, Any], flags: Mapping[tuple[str, str], Flag]
) -> dict[str, Any]:
    """The alternatives of each option of a table; of one that names parts, those of their options too."""
    values: dict[str, Any] = {}
    for option, given in options.items():
        if isinstance(given, Mapping):
            within = values_of(
                f"{table}.{option.replace('_', '-')}", {k: v for k, v in given.items() if k != "name"}, flags
            )
            named = {"name": names_in_text(given["name"])} if "name" in given else {}
            values[option] = {**named, **within}
        else:
            values[option] = parse_values(flags[table, option], given)
    return values


def names_in_text(text: str) -> list[str]:
    """``eca, se`` as names."""
    return [item.strip() for item in text.split(",")]
