"""The grid of ``netlab sweep``: its TOML file, and flags that take several values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netlab.cli.core.flags import Flag, component_flags, model_flags
from netlab.cli.core.selection import read_toml
from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS

PART_KINDS = ("dataset", "backbone", "block", "norm")
SELECTORS = ("data", "backbone", "block", "norm")
TABLES = (*SELECTORS, "training")
SWEEP_KEYS = ("name", "seeds", "baseline", "metrics")
SWITCH_VALUES = re.compile(r"(on|off|true|false|yes|no)(,(on|off|true|false|yes|no))*", re.IGNORECASE)
DEFAULT_SEEDS = 3


def read_grid_file(path: str | None) -> dict[str, Any]:
    """The ``--grid`` file, its tables known.

    Raises:
        UsageError: it is not there, not TOML, or has an unknown table or key (with the closest name).
    """
    if path is None:
        return {}
    content = read_toml(Path(path))
    known = (*TABLES, "sweep", "also")
    for table in content:
        if table not in known:
            raise UsageError(
                f"{path} has an unknown key '{table}'.{closest(table, known)} Known: {', '.join(known)}"
            )
    also = content.get("also", [])
    if not isinstance(also, list):
        raise UsageError(f"{path}: 'also' must be a list of tables, [[also]]")
    for tables in ({key: value for key, value in content.items() if key != "also"}, *also):
        for table, value in tables.items():
            if not isinstance(value, dict):
                raise UsageError(f"{path}: '{table}' must be a table, [{table}]")
    for key in content.get("sweep", {}):
        if key not in SWEEP_KEYS:
            raise UsageError(f"{path}: [sweep] has no key '{key}'.{closest(key, SWEEP_KEYS)}")
    return content


def names_in(file: Mapping[str, Any], selector: str) -> list[str]:
    """The names that a grid file gives a selector."""
    found: list[str] = []
    for tables in (file, *file.get("also", [])):
        name = tables.get(selector, {}).get("name", [])
        found += [str(item) for item in (name if isinstance(name, list) else [name])]
    return found


def chosen_components(
    catalog: Catalog, words: Mapping[str, str], file: Mapping[str, Any]
) -> dict[str, list[Component]]:
    """The components of each kind: those that a flag names, else the file, else the default."""
    chosen = {}
    for kind in PART_KINDS:
        selector = KINDS[kind].selector
        names = words[selector].split(",") if selector in words else names_in(file, selector)
        found = [catalog.find(kind, name.strip()) for name in names]
        chosen[kind] = found or [catalog.default(kind)]
    return chosen


def grid_flags(components: Sequence[Component]) -> list[Flag]:
    """One flag for every option of any of the components and of the training, each a list of values."""
    from netlab.classification.settings import TrainingSettings

    merged: dict[str, Flag] = {}
    for component in components:
        for flag in component_flags(component):
            known = merged.get(flag.canonical)
            if known is None:
                merged[flag.canonical] = flag
            elif component.title not in known.owner:
                merged[flag.canonical] = replace_owner(known, f"{known.owner} and {component.title}")
    training = model_flags(TrainingSettings, prefix="", owner="training", panel="Training")
    return [*merged.values(), *training]


def replace_owner(flag: Flag, owner: str) -> Flag:
    return Flag(flag.prefix, flag.option, owner, flag.panel, flag.annotation, flag.help)


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


def as_lists(flags: Sequence[Flag]) -> list[Flag]:
    """The flags as Typer is to see them: a text, with its values separated by commas."""
    return [
        Flag(flag.prefix, flag.option, flag.owner, flag.panel, str, f"{flag.help} Several: A,B,C.")
        for flag in flags
    ]


def parse_values(flag: Flag, text: str) -> list[Any]:
    """The alternatives in a flag's text, each of the option's type; items of a list are joined by ``+``.

    Raises:
        UsageError: a value is not of the type.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(flag.annotation)
    values = []
    for item in text.split(","):
        item = item.strip()
        if not item:
            raise UsageError(f"{flag.canonical} {text}: an empty value; write {flag.canonical} A,B,C")
        given = item.split("+") if getattr(flag.annotation, "__origin__", None) is list else item
        try:
            values.append(adapter.validate_python(given))
        except ValidationError as error:
            raise UsageError(f"{flag.canonical} {item}: {error.errors()[0]['msg']}") from None
    return values


def given_tables(
    values: Mapping[str, Mapping[str, str]], flags: Sequence[Flag], selectors: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What the flags say, as the tables of a grid."""
    by_name = {(flag.prefix, flag.option): flag for flag in flags}
    tables: dict[str, dict[str, Any]] = {
        prefix or "training": {key: parse_values(by_name[prefix, key], text) for key, text in options.items()}
        for prefix, options in values.items()
    }
    for selector, text in selectors.items():
        tables.setdefault(selector, {})["name"] = [item.strip() for item in text.split(",")]
    return tables


def grids_of(
    file: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]], seeds: int | None
) -> list[dict[str, dict[str, Any]]]:
    """The grids: that of the file, then one a table of ``[[also]]``; flags go before both.

    Raises:
        UsageError: seeds are given twice.
    """
    base = {table: file.get(table, {}) for table in TABLES}
    grids = []
    for also in ({}, *file.get("also", [])):
        grid = {table: {**base[table], **also.get(table, {}), **given.get(table, {})} for table in TABLES}
        if "seed" not in grid["training"]:
            grid["training"]["seed"] = list(range(seeds or DEFAULT_SEEDS))
        elif seeds is not None:
            raise UsageError("--seeds counts the seeds and --seed (training.seed) lists them: give one")
        grids.append(grid)
    return grids
