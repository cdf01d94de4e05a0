"""Values of options at the ends of their ranges, from their pydantic model."""

from __future__ import annotations

import enum
import random
import types
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

CLOSE = 20  # a range that excludes its end is tried at a twentieth of the way from the default to the end
LARGE, TIMES = 32, 2  # an integer is tried up to 32 or twice its default: beyond, it is only slow
COMBINATIONS = 4


def option_ends(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Values that differ from the defaults: each option at its ends, then some combinations of ends.

    Bounded numbers are set to their bounds (integers also next to the lower one), choices and switches to
    every value; texts, paths and options without a default stay as they are.
    """
    ends = {
        name: values
        for name, field in model.model_fields.items()
        if not field.is_required() and (values := field_ends(field))
    }
    for name, values in ends.items():
        for value in values:
            yield {name: value}
    generator = random.Random(0)
    if len(ends) > 1:
        for _ in range(COMBINATIONS):
            yield {name: generator.choice(values) for name, values in ends.items()}


def field_ends(field: FieldInfo) -> list[Any]:
    """The ends of one option, without its default."""
    found: list[Any] = []
    for kind in members(field.annotation):
        found += kind_ends(kind, field)
    default = field.get_default(call_default_factory=True)
    return [value for value in dict.fromkeys(found) if value != default or type(value) is not type(default)]


def members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union; a type itself else."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def kind_ends(kind: Any, field: FieldInfo) -> list[Any]:
    """The ends of a type: every value of a choice, the bounds of a number."""
    if kind is type(None):
        return [None]
    if kind is bool:
        return [False, True]
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)
    if kind is int or kind is float:
        return number_ends(kind, field)
    return []


def number_ends(kind: type, field: FieldInfo) -> list[float]:
    """The bounds of a number, as far as they are stated."""
    bounds = {
        name: value
        for rule in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(rule, name, None)) is not None
    }
    default = field.get_default(call_default_factory=True)
    usual = default if isinstance(default, (int, float)) and not isinstance(default, bool) else None
    if kind is int:
        low = bounds.get("ge", bounds["gt"] + 1 if "gt" in bounds else None)
        high = bounds.get("le", bounds["lt"] - 1 if "lt" in bounds else None)
        if high is not None:
            high = min(high, max(LARGE, TIMES * abs(usual or 0), low or 0))
        found: list[float] = [int(value) for value in (low, high) if value is not None]
        if low is not None and (high is None or low + 1 < high):  # one even, one odd
            found.append(int(low) + 1)
        return found
    ends = [float(bounds[name]) for name in ("ge", "le") if name in bounds]
    for name in ("gt", "lt"):
        if name in bounds and usual is not None:
            ends.append(bounds[name] + (usual - bounds[name]) / CLOSE)
    return ends
