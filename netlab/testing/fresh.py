"""A part as it is before it was ever called: its module executed anew, with no memory of earlier calls."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from netlab.specs import split_target
from netlab.testing.checks import Subject


def fresh(subject: Subject) -> Callable[..., Any]:
    """The component with its options bound, of a new copy of its module, or itself if that fails."""
    module_name, attribute = split_target(subject.component.spec.target)
    value = subject.component.load()
    try:
        spec = importlib.util.find_spec(module_name)
        assert spec is not None
        assert spec.loader is not None
        copy = importlib.util.module_from_spec(spec)
        before = sys.modules.get(module_name)
        sys.modules[module_name] = copy  # dataclasses and pickle look it up by name
        try:
            spec.loader.exec_module(copy)
        finally:
            if before is not None:
                sys.modules[module_name] = before
        found: Any = copy
        for part in attribute.split("."):
            found = getattr(found, part)
        value = found
    except Exception:  # a module that can not be executed twice is checked as it is
        pass
    options = subject.options

    def call(*arguments: Any, **keywords: Any) -> Any:
        return value(*arguments, **keywords, options=options)

    return call
