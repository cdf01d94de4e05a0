"""A grid: the tables of a configuration, in which a value may be a list of alternatives.

::

    [block]
    name = ["residual", "grouped"]
    paths = [1, 2, 4]              # for those blocks that have the option
    [norm]
    name = ["none", "bn"]
    [training]
    seed = [0, 1, 2]

An option that names a part may be a list of names, or a table whose values may be lists.
"""

from __future__ import annotations

import itertools
import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netlab.classification.assembly import choose_components
from netlab.engine.catalog import Catalog, Component
from netlab.engine.part_options import default_name, part_options
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS
from netlab.runs.config import CHAINS, PART_KINDS, SELECTORS

Tables = Mapping[str, Any]
KNOWN = (*SELECTORS, *CHAINS, "training")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination: tables as in ``config.toml`` with what the grid gives, and the components that it
    names or means, by kind."""

    given: dict[str, Any]
    components: dict[str, Component]


def expand(catalog: Catalog, tables: Tables) -> list[Candidate]:
    """Every combination of the grid that means something, seeds varying fastest.

    An option is given only to the components that have it: ``paths`` multiplies the block
    ``grouped`` and leaves ``residual`` alone. Augmentations and callbacks are the same in all combinations.

    Raises:
        UsageError: an unknown table, component or option, or an empty list.
    """
    for table in tables:
        if table not in KNOWN:
            raise UsageError(
                f"a grid has no table [{table}].{closest(table, KNOWN)} Known: {', '.join(KNOWN)}"
            )
    named = {kind: components_of(catalog, kind, tables) for kind in PART_KINDS}
    for kind, alternatives_of_kind in named.items():
        check_options(alternatives_of_kind, options_of(tables, kind))
    candidates = []
    for chosen in itertools.product(*named.values()):
        components = dict(zip(PART_KINDS, chosen, strict=True))
        choices = [list(option_choices(components[kind], options_of(tables, kind))) for kind in PART_KINDS]
        for *options, training in itertools.product(*choices, training_choices(tables.get("training", {}))):
            given = {
                KINDS[kind].selector: with_name(components[kind], values, tables)
                for kind, values in zip(PART_KINDS, options, strict=True)
            }
            given = {selector: table for selector, table in given.items() if table}
            chains = {chain: tables[chain] for chain in CHAINS if chain in tables}
            candidates.append(Candidate({**given, **chains, "training": dict(training)}, components))
    return candidates


def with_name(component: Component, options: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """A component's table; without its name where the grid named none, so that a recipe may."""
    if tables.get(KINDS[component.kind].selector, {}).get("name") is None:
        return dict(options)
    name = f"{component.name}@{component.plugin.distribution}"
    return {"name": name, **component.preset, **options}


def count_combinations(catalog: Catalog, tables: Tables) -> int:
    """The size of the full product, of combinations that mean the same too."""
    sizes = [len(alternatives(value, key)) for key, value in tables.get("training", {}).items()]
    for kind in PART_KINDS:
        components = components_of(catalog, kind, tables)
        sizes.append(len(components))
        for key, value in options_of(tables, kind).items():
            owner = next(component for component in components if key in fields_of(component))
            sizes.append(len(alternatives_of(owner, key, value)))
    return math.prod(sizes)


def options_of(tables: Tables, kind: str) -> dict[str, Any]:
    """The table of a kind without its name."""
    return {key: value for key, value in tables.get(KINDS[kind].selector, {}).items() if key != "name"}


def components_of(catalog: Catalog, kind: str, tables: Tables) -> list[Component]:
    """The components that the table of a kind names; or that of the recipe, or the default."""
    names = tables.get(KINDS[kind].selector, {}).get("name")
    if names is not None:
        return [catalog.find(kind, str(name)) for name in alternatives(names, KINDS[kind].selector)]
    recipes = tables.get("recipe", {}).get("name")
    recipe = {} if recipes is None else {"recipe": {"name": alternatives(recipes, "recipe")[0]}}
    return [choose_components(catalog, recipe).components[kind]]


def check_options(components: Sequence[Component], options: Mapping[str, Any]) -> None:
    """Refuse an option that none of the components has."""
    known = {key for component in components for key in fields_of(component)}
    for key in options:
        if key not in known:
            titles = " and ".join(component.title for component in components)
            verb = "has" if len(components) == 1 else "have"
            raise UsageError(f"{titles} {verb} no option '{key}'.{closest(key, known)}")


def fields_of(component: Component) -> Mapping[str, Any]:
    """The fields of a component's options."""
    model = component.options_model()
    return model.model_fields if model is not None else {}


def is_sequence(component: Component, key: str) -> bool:
    """Whether an option itself holds a list."""
    return holds_list(fields_of(component)[key].annotation)


def holds_list(annotation: Any) -> bool:
    """Whether a type is a list, tuple or set, possibly optional."""
    return typing.get_origin(annotation) in (list, tuple, set, frozenset) or any(
        typing.get_origin(argument) in (list, tuple, set, frozenset)
        for argument in typing.get_args(annotation)
    )


def alternatives(value: Any, key: str, is_sequence: bool = False) -> list[Any]:
    """The alternatives of a grid's value; of an option that holds a list, a list of lists."""
    if not isinstance(value, list):
        return [value]
    if not value:
        raise UsageError(f"'{key}' of the grid is an empty list: there is nothing to run")
    if is_sequence and not all(isinstance(item, list) for item in value):
        return [value]
    return value


def option_choices(component: Component, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of those options that the component has."""
    owned = {
        key: alternatives_of(component, key, value)
        for key, value in options.items()
        if key in fields_of(component)
    }
    for values in itertools.product(*owned.values()):
        yield dict(zip(owned, values, strict=True))


def alternatives_of(component: Component, key: str, value: Any) -> list[Any]:
    """The alternatives of an option; of one that names a part, every combination of the part's options."""
    model = component.options_model()
    kinds = part_options(model, component.manager.kinds) if model is not None else {}
    if key not in kinds:
        return alternatives(value, key, is_sequence(component, key))
    found: list[Any] = []
    for item in alternatives(value, key):
        found += (
            part_choices(component, key, kinds[key], item) if isinstance(item, (str, Mapping)) else [item]
        )
    return found


def part_choices(
    component: Component, key: str, kind: str, value: str | Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The parts that an option names, ``eca`` or a table whose values may be lists, with their options."""
    table = {"name": value} if isinstance(value, str) else dict(value)
    model = component.options_model()
    usual = default_name(model, key) if model is not None else None
    names = [str(name) for name in alternatives(table.pop("name", usual), key)]
    named = [component.catalog.find(kind, name) for name in names]
    check_options(named, table)
    return [
        {"name": name, **options}
        for name, part in zip(names, named, strict=True)
        for options in option_choices(part, table)
    ]


def training_choices(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the training values; folds vary fastest, and after them seeds."""
    ordered = sorted(training, key=lambda key: {"seed": 1, "fold": 2}.get(key, 0))
    values = [alternatives(training[key], key) for key in ordered]
    return [dict(zip(ordered, chosen, strict=True)) for chosen in itertools.product(*values)]
