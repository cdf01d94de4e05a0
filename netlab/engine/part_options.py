"""Options that name a part of another kind: which they are, what they name by default, and their tables."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netlab.errors import closest
from netlab.kinds.chosen_part import ChosenPart
from netlab.specs import KindSpec, PartOf

if TYPE_CHECKING:
    from pydantic import BaseModel


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
