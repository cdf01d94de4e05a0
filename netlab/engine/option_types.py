"""Which types of options a command-line flag can hold, and the one of every seed."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from netlab.kinds.chosen_part import ChosenPart

SCALARS = (bool, int, float, str, Path)

Seed = Annotated[int, Field(ge=0, lt=2**63, description="Seed of everything that is drawn.")]


def flag_type(name: str, annotation: Any) -> Any:
    """The type that Typer is told for a field's annotation; ``Optional`` is taken off.

    Raises:
        TypeError: no flag can hold it.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1:
            return flag_type(name, rest[0])
    elif origin is Literal:
        if all(isinstance(argument, str) for argument in arguments):
            return annotation
    elif origin in (list, tuple, set, frozenset):
        inner = [argument for argument in arguments if argument is not Ellipsis]
        if inner and all(argument == inner[0] for argument in inner):
            item = flag_type(name, inner[0])
            # Typer takes no list of choices; pydantic checks them all the same.
            return list[str] if typing.get_origin(item) is Literal else list[item]  # type: ignore[valid-type]
    elif origin is Annotated:
        return flag_type(name, arguments[0])
    elif annotation is ChosenPart:
        return str  # its name; its options have flags of their own
    elif annotation in SCALARS:
        return annotation
    shown = getattr(annotation, "__name__", str(annotation))
    raise TypeError(
        f"option '{name}' has type {shown}, which no flag can hold"
        " (use bool, int, float, str, Path, Literal of texts, or a list or tuple of one of them)"
    )
