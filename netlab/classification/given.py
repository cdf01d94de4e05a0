"""What a user gave, as tables: a configuration file, and flags or keywords that go before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netlab.classification.assembly import Tables, table_of
from netlab.engine.part_options import overlaid
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS
from netlab.runs.config import CHAINS, PART_KINDS, read_toml

TABLES = (*(KINDS[kind].selector for kind in PART_KINDS), *CHAINS, "training", "run", "plugins")

NO_CHAINS: Mapping[str, Sequence[str]] = MappingProxyType({})


RUN_KEYS = ("name", "data_dir")


def read_config_file(path: str | Path | None) -> dict[str, Any]:
    """A configuration file, its tables known; no tables where there is no file.

    Raises:
        UsageError: it is not there, not TOML, or has an unknown table (with the closest name).
    """
    if path is None:
        return {}
    content = read_toml(Path(path))
    check_tables(content, str(path))
    return content


def check_tables(content: Mapping[str, Any], path: str) -> None:
    """Refuse a configuration file with an unknown table, or with something else than a table.

    Raises:
        UsageError: naming it, with the closest known one.
    """
    for table, value in content.items():
        if table not in TABLES:
            raise UsageError(
                f"{path} has an unknown key '{table}'.{closest(table, TABLES)} Known: {', '.join(TABLES)}"
            )
        if table in CHAINS:
            rows = value if isinstance(value, list) else [None]
            if not all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows):
                raise UsageError(f"{path}: '{table}' must be tables with a name each, [[{table}]]")
        elif not isinstance(value, dict):
            raise UsageError(f"{path}: '{table}' must be a table, [{table}]")
    for name, value in content.get("plugins", {}).items():
        if not isinstance(value, dict):
            raise UsageError(
                f"{path}: [plugins] {name} must be a table, [plugins.{name}];"
                " which plugins are loaded is said in netlab.toml"
            )
    for key, value in content.get("run", {}).items():
        if key not in RUN_KEYS:
            raise UsageError(f"[run] has no key '{key}'.{closest(key, RUN_KEYS)}")
        if not isinstance(value, str):
            raise UsageError(f"[run] {key} must be a text, not {value!r}")


def merge_tables(
    file: Tables, flags: Mapping[str, Mapping[str, Any]], chains: Mapping[str, Sequence[str]] = NO_CHAINS
) -> dict[str, Any]:
    """The tables of a file with what flags say put over them.

    ``flags`` go from table to option to value: the names of chosen parts stand in the table ``parts``, the
    options of a chain's part, an augmentation for one, in the chain's table, by its name. What a file says of
    a part is passed over where a flag chose another. ``chains`` are the names of the parts of each chain that
    are used when neither names any.
    """
    names = flags.get("parts", {})
    tables: dict[str, Any] = {}
    for kind in PART_KINDS:
        selector = KINDS[kind].selector
        in_file, name = table_of(file, selector), names.get(selector)
        if name is None:
            name = in_file.get("name")
        elif plain_name(in_file.get("name", name)) != plain_name(name):
            in_file = {}
        table = overlaid(in_file, flags.get(selector, {})) | ({} if name is None else {"name": name})
        if table:
            tables[selector] = table
    for selector in CHAINS:
        rows = merge_chain(selector, file, flags, chains.get(selector, ()))
        if rows is not None:
            tables[selector] = rows
    if file.get("plugins"):
        tables["plugins"] = dict(file["plugins"])
    tables["training"] = {**file.get("training", {}), **flags.get("training", {})}
    return tables


def merge_chain(
    selector: str, file: Tables, flags: Mapping[str, Mapping[str, Any]], usual: Sequence[str]
) -> list[dict[str, Any]] | None:
    """The tables of a chain's parts, in order; None where nothing was said of them."""
    named = flags.get("parts", {}).get(selector)
    in_file: list[Mapping[str, Any]] | None = file.get(selector)
    options = flags.get(selector, {})
    if named is None and in_file is None and not options:
        return None
    if named is not None:
        known = {plain_name(row["name"]): row for row in in_file or ()}
        rows: Sequence[Mapping[str, Any]] = [
            {**known.get(plain_name(name), {}), "name": name} for name in named
        ]
    else:
        rows = in_file if in_file is not None else [{"name": name} for name in usual]
    return [{**row, **options.get(plain_name(row["name"]).replace("-", "_"), {})} for row in rows]


def plain_name(text: Any) -> str:
    """A part's name without distribution and variant."""
    return str(text).partition("@")[0].partition(":")[0]
