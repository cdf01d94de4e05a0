"""``config.toml``: every value that a run used.

The configuration is a plain nested dictionary, as in the file::

    [run]                      where, not what
    name = "digits-compact-grouped-bn-s0-1f2e3d"
    data_dir = "data"
    [data]                     one table a part: its name and its options
    name = "digits"
    size = 32
    [backbone] [block] [norm] [activation] [recipe] [optimizer] [schedule] [loss]    likewise
    [[augment]]                the augmentations, in order
    name = "flip"
    [[callback]]               likewise, what goes along with the steps
    [training]                 see netlab.classification.settings
    [plugins.NAME]             settings of a plugin's hooks; like [run] they are not what is trained
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from netlab.engine.catalog import Catalog, Part
from netlab.errors import NetlabError, UsageError
from netlab.kinds import CHAIN_KINDS, KINDS
from netlab.runs.manifest import read_checked

NETWORK_KINDS = ("backbone", "block", "norm", "activation")
TRAINING_KINDS = ("recipe", "optimizer", "schedule", "loss")
PART_KINDS = ("dataset", *NETWORK_KINDS, *TRAINING_KINDS)  # of which a run has one part each
SELECTORS = tuple(KINDS[kind].selector for kind in PART_KINDS)  # their tables and flags: data, backbone, ...
NAMING_KINDS = ("dataset", "backbone", "block", "norm")  # by which a run is called
CHAINS = tuple(KINDS[kind].selector for kind in CHAIN_KINDS)

ASIDE = ("run", "plugins")  # tables that may differ between runs of the same thing

# Every table of the file, and the keys that are read from it without asking.
TABLES: dict[str, tuple[str, ...]] = {
    "run": (),
    **dict.fromkeys(SELECTORS, ("name",)),
    "training": ("epochs", "seed", "validation", "split_seed", "normalize"),
}

Config = dict[str, Any]


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


def part_table(part: Part, catalog: Catalog) -> dict[str, Any]:
    """A part's table: its name (with its distribution where the name clashes) and all its options."""
    component = part.component
    name = catalog.recorded_name(component)
    options = part.values
    for option in options:
        value = getattr(part.options, option)
        if isinstance(value, Path):  # the run must find it from any folder
            options[option] = str(value.absolute())
    return {"name": name, **options}


def make_config(
    parts: Mapping[str, Part],
    chains: Mapping[str, Sequence[Part]],
    training: Mapping[str, Any],
    catalog: Catalog,
) -> Config:
    """The configuration of a run, without its ``[run]`` table. ``parts`` and ``chains`` are by kind."""
    tables: Config = {KINDS[kind].selector: part_table(parts[kind], catalog) for kind in PART_KINDS}
    for kind in CHAIN_KINDS:
        tables[KINDS[kind].selector] = [part_table(part, catalog) for part in chains[kind]]
    return {**tables, "training": dict(training)}


def parts_of_config(config: Mapping[str, Any], catalog: Catalog, *, kinds: Sequence[str]) -> dict[str, Part]:
    """The parts of these kinds that a configuration names, with their options.

    Raises:
        UsageError: a part is not installed, or its options no longer fit it.
    """
    parts = {}
    for kind in kinds:
        table = dict(config[KINDS[kind].selector])
        component = catalog.find(kind, table.pop("name"))
        parts[kind] = Part(component, component.make_options(table))
    return parts


def without_none(value: Any) -> Any:
    """TOML has no null: a value that is None is left out."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def to_toml(config: Mapping[str, Any]) -> str:
    """The configuration as TOML."""
    return tomli_w.dumps(without_none(config))


def read_tables(path: Path) -> Config:
    """Read ``config.toml`` of a run of any kind.

    Raises:
        NetlabError: it is missing or not TOML.
    """
    try:
        return tomllib.loads(read_checked(path).decode())
    except FileNotFoundError:
        raise NetlabError(f"{path.parent} is not a run directory: it has no config.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetlabError(f"{path} is damaged: {error}") from None


def read_config(path: Path) -> Config:
    """Read ``config.toml`` of a classifier's run.

    Raises:
        NetlabError: it is missing or damaged.
    """
    config = read_tables(path)
    for table, keys in TABLES.items():
        if not isinstance(config.get(table), dict):
            raise NetlabError(f"{path} is damaged: it has no table [{table}]")
        for key in keys:
            if key not in config[table]:
                raise NetlabError(f"{path} is damaged: [{table}] has no '{key}'")
    return config


def default_name(config: Mapping[str, Any], parts: Iterable[Part], ignored: frozenset[str]) -> str:
    """A name that is the same for the same configuration: the parts, the seed and six digits of a hash.

    ``parts`` are all of the run: which plugins supply them counts, so that the name does not depend on what
    else is installed. ``ignored`` training keys (those that may differ on resume) do not count.
    """
    config = plain_names(config)
    training = {key: value for key, value in config["training"].items() if key not in ignored}
    counted = {
        **{table: values for table, values in config.items() if table not in ASIDE},
        "training": training,
    }
    if foreign := foreign_parts(parts):
        counted["suppliers"] = foreign
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True, default=str).encode()).hexdigest()[:6]
    named = [
        "-".join(str(config[table][key]) for key in ("name", "variant") if key in config[table])
        for table in (KINDS[kind].selector for kind in NAMING_KINDS)
    ]
    name = "-".join([*named, f"s{training['seed']}", digest])
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def foreign_parts(parts: Iterable[Part]) -> list[str]:
    """``block gated@netlab-plugin-gated`` for every part that is not netlab's own, those in options too."""
    components = [component for part in parts for component in part.components]
    return sorted({f"{c.kind} {c.name}@{c.plugin.distribution}" for c in components if not c.plugin.builtin})


def plain_names(value: Any) -> Any:
    """A configuration whose parts are named without distribution: that is there only where names clash."""
    if isinstance(value, Mapping):
        plain = {key: plain_names(item) for key, item in value.items()}
        if isinstance(name := plain.get("name"), str):
            plain["name"] = name.partition("@")[0]
        return plain
    return [plain_names(item) for item in value] if isinstance(value, list) else value


def differences(old: Mapping[str, Any], new: Mapping[str, Any], ignored: frozenset[str]) -> list[str]:
    """``block.paths: 4 -> 2`` for every value that differs, ``ASIDE`` and ``ignored`` training keys apart.

    ``old`` is as it was read; ``new`` is compared as it would be read. Who supplies a part is not looked at.
    """
    found = []
    old, new = plain_names(old), plain_names(tomllib.loads(to_toml(new)))
    for table in dict.fromkeys([*new, *old]):
        before, after = old.get(table, {}), new.get(table, {})
        if table in ASIDE:
            continue
        if isinstance(before, list) or isinstance(after, list):  # a chain
            if before != after:
                found.append(f"{table}: {names_in(before)} -> {names_in(after)}")
            continue
        for key in sorted(before.keys() | after.keys()):
            if table == "training" and key in ignored:
                continue
            if before.get(key) != after.get(key):
                found.append(f"{table}.{key}: {before.get(key, 'absent')} -> {after.get(key, 'absent')}")
    return found


def names_in(tables: Any) -> str:
    """The tables of a list, with the values in which they may differ, in few words."""
    if not isinstance(tables, list):
        return "absent"
    return (
        " ".join(
            f"{table.get('name')}({', '.join(f'{k}={v}' for k, v in table.items() if k != 'name')})"
            for table in tables
        )
        or "none"
    )
