"""Checks what a plugin declares: its hooks and its components."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from types import ModuleType

from netlab import specs
from netlab.errors import PluginError, closest
from netlab.kinds import KINDS
from netlab.specs import ComponentSpec, KindSpec

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


def checked_kind(spec: object, kinds: Mapping[str, KindSpec]) -> KindSpec:
    """``spec`` itself, if it is a well-formed ``KindSpec`` of a new kind; ``kinds`` are those there are.

    Raises:
        PluginError: saying what is wrong with it.
    """
    if not isinstance(spec, KindSpec):
        raise PluginError(f"netlab_kinds gave {spec!r:.80}, not a KindSpec")
    for name in ("name", "plural", "summary", "contract"):
        value = getattr(spec, name)
        if not isinstance(value, str) or not value or "\n" in value:
            raise PluginError(f"a kind's {name} must be a text of one line, not {value!r:.80}")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", spec.name):
        raise PluginError(f"kind {spec.name!r} may hold only a-z, 0-9 and '-'")
    if spec.name in kinds:
        whose = "netlab's own" if spec.name in KINDS else "another plugin's"
        raise PluginError(f"the kind '{spec.name}' is {whose}: give yours another name")
    for target in (spec.contract, spec.checks):
        if target is not None:
            check_target(target, f"kind '{spec.name}'")
    return spec


def check_target(target: object, whose: str) -> None:
    """Refuse what is not of the form ``module:attribute``.

    Raises:
        PluginError: naming ``whose`` it is.
    """
    try:
        specs.split_target(target)  # type: ignore[arg-type]
    except (ValueError, AttributeError) as error:
        raise PluginError(f"{whose}: {error}") from None


def checked_spec(spec: object, kinds: Mapping[str, KindSpec] = KINDS) -> ComponentSpec:
    """``spec`` itself, if it is a well-formed ``ComponentSpec`` of one of the ``kinds``.

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
    if spec.kind not in kinds:
        hint = closest(spec.kind, kinds) or f" Known: {', '.join(kinds)} (a newer netlab may have more)."
        raise PluginError(f"component '{spec.name}' is of unknown kind '{spec.kind}'.{hint}")
    try:
        stated_range(spec.tags)
    except ValueError as error:
        raise PluginError(f"the tags of component '{spec.name}': {error}") from None
    if "\n" in spec.summary:
        raise PluginError(f"the summary of component '{spec.name}' must be one line")
    for target in (spec.target, spec.options):
        if target is not None:
            check_target(target, f"component '{spec.name}'")
    return spec
