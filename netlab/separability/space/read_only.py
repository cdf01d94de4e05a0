"""Arrays that are shared can not be written to: what one metric does, the next one does not see."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

Value = TypeVar("Value")


def read_only(value: Value) -> Value:
    """The same array, or tuple or dataclass of arrays, closed for writing."""
    parts: list[Any] = []
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, tuple):
        parts = list(value)
    elif is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    for part in parts:
        read_only(part)
    return value
