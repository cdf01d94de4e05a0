"""What pydantic refuses in an option, as one line for the person who gave it."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netlab.errors import closest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

BOUNDS = {"ge": ">= {}", "gt": "> {}", "le": "<= {}", "lt": "< {}"}
WORDS = {int: "a whole number", float: "a number", bool: "on or off", str: "a text", Path: "a path"}
# Errors that the field's own type, choices and bounds explain better than pydantic's sentence.
EXPLAINED = ("parsing", "_type", "literal_error", "greater_than", "less_than", "finite_number", "from_float")


def bounds_of(field: FieldInfo) -> list[str]:
    """``[">= 1", "<= 64"]``: the bounds of an option."""
    return [
        pattern.format(_number(value))
        for bound in field.metadata
        for key, pattern in BOUNDS.items()
        if (value := getattr(bound, key, None)) is not None
    ]


def _number(value: Any) -> str:
    """A bound as people write it: 2^63 rather than its nineteen digits."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and value > 2**31 and value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return str(value)


def choices_of(annotation: Any) -> tuple[tuple[str, ...], bool]:
    """The choices of an option's type, if it has any, and whether it takes several values."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return arguments, False
    if origin in (list, tuple, set, frozenset):
        return choices_of(arguments[0])[0], True
    if origin in (typing.Union, types.UnionType):
        return next((choices_of(a) for a in arguments if a is not type(None)), ((), False))
    return (), False


def expected_of(field: FieldInfo) -> str:
    """``a whole number, >= 1 and <= 64``: what an option takes."""
    choices, _ = choices_of(field.annotation)
    if choices:
        return f"one of {', '.join(map(str, choices))}"
    return ", ".join(part for part in (_word(field.annotation), " and ".join(bounds_of(field))) if part)


def _word(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None:
        return next((_word(a) for a in arguments if a not in (type(None), Ellipsis)), "")
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def explain(error: ErrorDetails, field: FieldInfo | None) -> str:
    """``expected a whole number, >= 1``: what is wrong with a value, in our words where they say more."""
    if field is not None and any(part in error["type"] for part in EXPLAINED):
        choices, _ = choices_of(field.annotation)
        hint = closest(str(error["input"]), map(str, choices)) if choices else ""
        return f"expected {expected_of(field)}.{hint}" if hint else f"expected {expected_of(field)}"
    return error["msg"].removeprefix("Value error, ")


def first_problem(error: ValidationError, model: type[BaseModel]) -> tuple[str, str, Any]:
    """(option, what is wrong, the value): the first error of a model; no option where it is about several."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    field = model.model_fields.get(name)
    if field is None:
        field = next((f for f in model.model_fields.values() if f.alias == name), None)
    return name, explain(first, field), first["input"]


def refusal(error: ValidationError, model: type[BaseModel], title: str, prefix: str) -> str:
    """Why the options of a part were refused, and the flag that says it otherwise.

    ``title`` is what messages call the part, ``prefix`` what stands before its options: ``block``.
    """
    option, problem, value = first_problem(error, model)
    if not option:
        return f"{title}: {problem}"
    flag = f"--{prefix}.{option.replace('_', '-')}"
    if error.errors()[0]["type"] == "missing":
        field = model.model_fields[option]
        described = f" ({field.description.rstrip('.')})" if field.description else ""
        return f"{title} needs {flag}{described}: expected {expected_of(field)}"
    return f"{title}, option '{option}' ({flag}): {problem}, not {value!r}"
