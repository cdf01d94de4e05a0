"""Options that name a part of another kind: which they are, the parts that they name, and their tables."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netlab.errors import closest
from netlab.kinds.chosen_part import ChosenPart
from netlab.specs import KindSpec, PartOf

if TYPE_CHECKING:
    from pydantic import BaseModel

    from netlab.engine.catalog import Catalog, Component


@dataclass(frozen=True, slots=True)
class BoundPart(ChosenPart):
    """A part that an option names, found in the catalogue, its options checked."""

    component: Component = field(kw_only=True, compare=False, repr=False)
    bound_options: BaseModel | None = field(kw_only=True, compare=False, repr=False)


def part_options(model: type[BaseModel], kinds: Mapping[str, KindSpec]) -> dict[str, str]:
    """The options of a model that name a part: option -> kind.

    Raises:
        TypeError: an option is a ``ChosenPart`` and does not say of which kind, or of an unknown one.
    """
    found = {}
    for name, option in model.model_fields.items():
        kind = next((mark.kind for mark in option.metadata if isinstance(mark, PartOf)), None)
        if kind is None:
            if ChosenPart in (option.annotation, *typing.get_args(option.annotation)):
                raise TypeError(f"option '{name}' does not say its kind: Annotated[ChosenPart, PartOf(KIND)]")
        elif kind not in kinds:
            raise TypeError(f"option '{name}' is of unknown kind '{kind}'.{closest(kind, kinds)}")
        else:
            found[name] = kind
    return found


def default_name(model: type[BaseModel], option: str) -> str | None:
    """The name of the part that an option names by default; None where it names none."""
    default = model.model_fields[option].get_default(call_default_factory=True)
    return ChosenPart.of(default).name if isinstance(default, (str, Mapping, ChosenPart)) else None


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Options with others before them; of a part that both name, its options too."""
    merged = {**below, **above}
    for name, value in above.items():
        other = below.get(name)
        if isinstance(value, Mapping) and isinstance(other, (str, Mapping)):
            table = ChosenPart.of(other).table()
            if value.get("name", table["name"]) == table["name"]:
                merged[name] = {**table, **value}
    return merged


def with_names(
    values: Mapping[str, Any], model: type[BaseModel], options: Mapping[str, str]
) -> dict[str, Any]:
    """The values with the default's name in a table that has none: only its options were given."""
    named = dict(values)
    for option in options:
        value = named.get(option)
        if isinstance(value, Mapping) and "name" not in value and (name := default_name(model, option)):
            named[option] = {"name": name, **value}
    return named


def with_bound_parts(options: BaseModel, named: Mapping[str, str], catalog: Catalog) -> BaseModel:
    """The options with the parts that they name (``named``: option -> kind) ready to be called.

    Raises:
        UsageError: there is no such part, or its options do not fit it.
    """
    chosen = {name: getattr(options, name) for name in named}
    return options.model_copy(
        update={
            name: bound_part(catalog, named[name], part) for name, part in chosen.items() if part is not None
        }
    )


def bound_part(catalog: Catalog, kind: str, chosen: ChosenPart) -> BoundPart:
    """The part that an option names, found and with checked options.

    Raises:
        UsageError: there is no such part, or its options do not fit it.
    """
    component = catalog.find(kind, chosen.name)
    options = component.make_options(chosen.options)

    def call(*arguments: Any, **keywords: Any) -> Any:
        return component.build(*arguments, **keywords, options=options)

    target: Callable[..., Any] = call
    values = options.model_dump(mode="json") if options is not None else {}
    name = catalog.recorded_name(component)
    return BoundPart(name, values, target, component=component, bound_options=options)


def parts_within(options: BaseModel | None) -> Iterator[Component]:
    """The components that options name, and those that their options name in turn."""
    for name in type(options).model_fields if options is not None else ():
        value = getattr(options, name)
        if isinstance(value, BoundPart):
            yield value.component
            yield from parts_within(value.bound_options)
