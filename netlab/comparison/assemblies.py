"""Runs that differ only in seed or fold are one assembly; what differs between assemblies names them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netlab.kinds import CHAIN_KINDS, KINDS
from netlab.runs.config import CHAINS, NAMING_KINDS, SELECTORS, without_none
from netlab.runs.record import Repetition, RunRecord


@dataclass(frozen=True, slots=True)
class Assembly:
    """The finished runs of one configuration, by seed and fold, and a name that no other assembly has."""

    name: str
    config: Mapping[str, Any]
    runs: dict[Repetition, RunRecord]


def group_assemblies(records: Sequence[RunRecord]) -> list[Assembly]:
    """Group finished runs, in the order in which their configurations appear.

    Of two runs with the same configuration, seed and fold the later one counts.
    """
    groups: dict[str, dict[Repetition, RunRecord]] = {}
    for record in records:
        key = config_key(record.config)
        groups.setdefault(key, {})[record.repetition] = record
    configs = [next(iter(runs.values())).config for runs in groups.values()]
    return [
        Assembly(name, config, runs)
        for name, config, runs in zip(short_names(configs), configs, groups.values(), strict=True)
    ]


def config_key(config: Mapping[str, Any]) -> str:
    """What the runs of an assembly have in common, as text."""
    return json.dumps(comparable_config(config), sort_keys=True, default=str)


def comparable_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what may differ between the runs of an assembly: place, seed, fold."""
    tables = {table: config.get(table, {}) for table in (*SELECTORS, "training")}
    training = {key: value for key, value in tables["training"].items() if key not in ("seed", "fold")}
    chains = {chain: config.get(chain, []) for chain in CHAINS}
    return without_none({**tables, **chains, "training": training})


def short_names(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name each configuration by what differs: ``grouped, paths 4, bn``.

    An option, a chain or a value of the training counts as differing only among configurations of the same
    recipe, which says these, and an option only among those with the same part. A single configuration is
    named by its parts.
    """
    plain = [comparable_config(config) for config in configs]
    if len(plain) < 2:
        parts = [KINDS[kind].selector for kind in NAMING_KINDS[1:]]
        return [", ".join(str(config[table]["name"]) for table in parts) for config in plain]
    shown: list[list[str]] = [[] for _ in plain]
    recipes = [config["recipe"].get("name") for config in plain]
    alike = [[other for other, name in zip(plain, recipes, strict=True) if name == own] for own in recipes]
    for table in SELECTORS:
        names = [config[table].get("name") for config in plain]
        for words, config, others in zip(shown, plain, alike, strict=True):
            own = config[table]
            if len(set(map(str, names))) > 1:
                words.append(str(own.get("name", "none")))
            same = [other[table] for other in others if other[table].get("name") == own.get("name")]
            words += differing_values(own, same)
    for kind in CHAIN_KINDS:
        selector = KINDS[kind].selector
        for words, config, others in zip(shown, plain, alike, strict=True):
            chain, chains = config[selector], [other[selector] for other in others]
            if any(other != chain for other in chains):
                words.append(chain_words(chain, chains) or f"no {kind}")
    for words, config, others in zip(shown, plain, alike, strict=True):
        words += differing_values(config["training"], [other["training"] for other in others])
    return [", ".join(words) or "all alike" for words in shown]


def chain_words(chain: Sequence[Mapping[str, Any]], among: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """``flip + cutmix``, with those options that differ among chains of the same parts."""
    names = [table["name"] for table in chain]
    alike = [other for other in among if [table["name"] for table in other] == names]
    words = []
    for number, table in enumerate(chain):
        values = differing_values(table, [other[number] for other in alike])
        words.append(" ".join([str(table["name"]), *values]))
    return " + ".join(words)


def differing_values(own: Mapping[str, Any], among: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those values of ``own`` that are not the same in all of ``among``, as words."""
    keys = [key for key in {key: None for table in among for key in table} if key != "name"]
    return [
        value_words(key, own.get(key))
        for key in keys
        if any(table.get(key) != own.get(key) for table in among)
    ]


def value_words(key: str, value: Any) -> str:
    """``paths 4``, ``skip``, ``no skip``."""
    name = key.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {'none' if value is None else value}"
