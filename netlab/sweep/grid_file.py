"""The TOML file of a grid: its tables, the parts that it names, and the grids that it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlab.classification.assembly import choose_components
from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS
from netlab.runs.config import CHAINS, PART_KINDS, SELECTORS, read_toml

TABLES = (*SELECTORS, *CHAINS, "training")
SWEEP_KEYS = ("name", "seeds", "baseline", "metrics")
DEFAULT_SEEDS = 3


def read_grid_file(path: str | None) -> dict[str, Any]:
    """The ``--grid`` file, its tables known.

    Raises:
        UsageError: it is not there, not TOML, or has an unknown table or key (with the closest name).
    """
    if path is None:
        return {}
    content = read_toml(Path(path))
    known = (*TABLES, "sweep", "plugins", "also")
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
            if table in CHAINS and isinstance(value, list):
                continue
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
        chosen[kind] = found or [usual_component(catalog, kind, words, file)]
    return chosen


def usual_component(
    catalog: Catalog, kind: str, words: Mapping[str, str], file: Mapping[str, Any]
) -> Component:
    """The component of a kind that nobody named: that of the first recipe, or the default."""
    recipes = [words["recipe"].split(",")[0]] if "recipe" in words else names_in(file, "recipe")[:1]
    given = {"recipe": {"name": recipes[0]}} if recipes else {}
    return choose_components(catalog, given).components[kind]


def grids_of(
    file: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]], seeds: int | None
) -> list[dict[str, dict[str, Any]]]:
    """The grids: that of the file, then one a table of ``[[also]]``; flags go before both.

    Raises:
        UsageError: seeds are given twice.
    """
    tables = (*SELECTORS, "training")
    base = {table: file.get(table, {}) for table in tables}
    grids = []
    for also in ({}, *file.get("also", [])):
        grid = {table: {**base[table], **also.get(table, {}), **given.get(table, {})} for table in tables}
        for selector in CHAINS:
            if (chain := also.get(selector, file.get(selector))) is not None:
                grid[selector] = chain
        spread_folds(grid["training"])
        if "seed" not in grid["training"]:
            usual = 1 if "fold" in grid["training"] else DEFAULT_SEEDS
            grid["training"]["seed"] = list(range(seeds or usual))
        elif seeds is not None:
            raise UsageError("--seeds counts the seeds and --seed (training.seed) lists them: give one")
        grids.append(grid)
    return grids


def spread_folds(training: dict[str, Any]) -> None:
    """Let ``folds = 5`` mean all five of them, unless a grid's training table lists them.

    Raises:
        UsageError: several numbers of folds are given.
    """
    given = training.get("folds", 0)
    values = given if isinstance(given, list) else [given]
    if len(values) != 1:
        raise UsageError(f"--folds {','.join(map(str, values))}: a sweep has one number of folds")
    if isinstance(values[0], int) and values[0] > 1:
        training.setdefault("fold", list(range(values[0])))
