"""Checks what a plugin declares: its hooks and its components."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from types import ModuleType

from netlab import specs
from netlab.errors import PluginError, closest
from netlab.kinds import KINDS
from netlab.specs import ComponentSpec

HOOK_NAMES = frozenset(name for name in vars(specs) if name.startswith("netlab_"))


def own_functions(module: object) -> list[str]:
    """The functions of a plugin module, defined in it, whose names look like hooks."""
    if not isinstance(module, ModuleType):
        return []
    return [
        name
        for name, value in vars(module).items()
        if name.startswith("netlab_") and getattr(value, "__module__", None) == module.__name__
    ]


def stated_range(tags: Iterable[str]) -> tuple[float, float]:
    """The range that a metric's tag ``range:LOW:HIGH`` states, open where empty; without it all numbers.

    Raises:
        ValueError: the tag holds no numbers, or LOW is above HIGH.
    """
    for tag in tags:
        if tag.startswith("range:"):
            low, _, high = tag.removeprefix("range:").partition(":")
            bounds = float(low or -math.inf), float(high or math.inf)
            if not bounds[0] <= bounds[1]:
                raise ValueError(f"{tag!r} is not of the form 'range:LOW:HIGH'")
            return bounds
    return -math.inf, math.inf


def checked_spec(spec: object) -> ComponentSpec:
    """``spec`` itself, if it is a well-formed ``ComponentSpec``.

    Raises:
        PluginError: saying which field is wrong.
    """
    if not isinstance(spec, ComponentSpec):
        raise PluginError(f"netlab_components gave {spec!r:.80}, not a ComponentSpec")
    for name in ("kind", "name", "summary", "target"):
        value = getattr(spec, name)
        if not isinstance(value, str) or not value:
            raise PluginError(f"a component's {name} must be a non-empty text, not {value!r:.80}")
    if not isinstance(spec.reference, str):
        raise PluginError(
            f"the reference of component '{spec.name}' must be a text, not {spec.reference!r:.80}"
        )
    if not isinstance(spec.tags, (frozenset, set)) or not all(isinstance(tag, str) for tag in spec.tags):
        raise PluginError(
            f"the tags of component '{spec.name}' must be a frozenset of texts, not {spec.tags!r:.80}"
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", spec.name):
        raise PluginError(f"component name {spec.name!r} may hold only a-z, 0-9, '.', '_' and '-'")
    if spec.kind not in KINDS:
        hint = closest(spec.kind, KINDS) or f" Known: {', '.join(KINDS)} (a newer netlab may have more)."
        raise PluginError(f"component '{spec.name}' is of unknown kind '{spec.kind}'.{hint}")
    try:
        stated_range(spec.tags)
    except ValueError as error:
        raise PluginError(f"the tags of component '{spec.name}': {error}") from None
    if "\n" in spec.summary:
        raise PluginError(f"the summary of component '{spec.name}' must be one line")
    for target in (spec.target, spec.options):
        if target is not None:
            try:
                specs.split_target(target)
            except (ValueError, AttributeError) as error:
                raise PluginError(f"component '{spec.name}': {error}") from None
    return spec
