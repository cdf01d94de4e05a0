"""What a plugin declares, as data that can be kept; and the checks of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any, Literal

from netlab import specs
from netlab.engine.metric_tags import stated_direction, stated_range
from netlab.errors import PluginError, closest
from netlab.kinds import KINDS
from netlab.specs import ComponentSpec, KindSpec

HOOK_NAMES = frozenset(name for name in vars(specs) if name.startswith("netlab_"))

Phase = Literal[
    "metadata", "api", "import", "register", "options", "build", "use", "result", "event", "command"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong while a plugin declared itself. ``details`` is the traceback, or what was printed."""

    phase: Phase
    message: str
    details: str


@dataclass(slots=True)
class Declaration:
    """All that netlab knows of a plugin before it uses it.

    Its parts, kinds and commands are well-formed each by itself; whether they fit beside those of the other
    plugins, the manager sees. ``fatal`` is why nothing of it can be used; ``left_out`` is what was wrong
    with single things.
    """

    summary: str = ""
    hooks: tuple[str, ...] = ()
    kinds: list[KindSpec] = field(default_factory=list)
    components: list[ComponentSpec] = field(default_factory=list)
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    settings: str | None = None
    fatal: Problem | None = None
    left_out: list[Problem] = field(default_factory=list)
    import_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = asdict(self)
        for spec in plain["components"]:
            spec["tags"] = sorted(spec["tags"])
        return plain

    @classmethod
    def from_json(cls, plain: Any) -> Declaration:
        """The declaration that ``to_json`` gave, checked as if the plugin had just given it.

        Raises:
            TypeError, ValueError, PluginError: it is something else.
        """
        values = dict(plain)
        components = [ComponentSpec(**{**c, "tags": frozenset(c["tags"])}) for c in values.pop("components")]
        declaration = cls(
            summary=str(values.pop("summary")),
            hooks=tuple(values.pop("hooks")),
            kinds=[checked_kind(KindSpec(**kind)) for kind in values.pop("kinds")],
            components=[checked_spec(spec) for spec in components],
            commands=[checked_command(tuple(item)) for item in values.pop("commands")],
            settings=checked_settings(values.pop("settings")),
            fatal=None if (fatal := values.pop("fatal")) is None else Problem(**fatal),
            left_out=[Problem(**problem) for problem in values.pop("left_out")],
            import_seconds=float(values.pop("import_seconds")),
        )
        if values or not HOOK_NAMES.issuperset(declaration.hooks):
            raise ValueError("a declaration holds more than it can")
        return declaration


def own_functions(module: object) -> list[str]:
    """The functions of a plugin module, defined in it, whose names look like hooks."""
    if not isinstance(module, ModuleType):
        return []
    return [
        name
        for name, value in vars(module).items()
        if name.startswith("netlab_") and getattr(value, "__module__", None) == module.__name__
    ]


def checked_kind(spec: object) -> KindSpec:
    """``spec`` itself, if it is a well-formed ``KindSpec``.

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
    if not isinstance(spec.selector, str):
        raise PluginError(f"the selector of kind '{spec.name}' must be a text, not {spec.selector!r:.80}")
    for target in (spec.contract, spec.checks):
        if target is not None:
            check_target(target, f"kind '{spec.name}'")
    return spec


def check_new(spec: KindSpec, kinds: Mapping[str, KindSpec]) -> None:
    """Refuse a kind that there is already.

    Raises:
        PluginError: saying whose it is.
    """
    if spec.name in kinds:
        whose = "netlab's own" if spec.name in KINDS else "another plugin's"
        raise PluginError(f"the kind '{spec.name}' is {whose}: give yours another name")


def check_target(target: object, whose: str) -> None:
    """Refuse what is not of the form ``module:attribute``.

    Raises:
        PluginError: naming ``whose`` it is.
    """
    try:
        specs.split_target(target)  # type: ignore[arg-type]
    except (ValueError, AttributeError) as error:
        raise PluginError(f"{whose}: {error}") from None


def checked_spec(spec: object) -> ComponentSpec:
    """``spec`` itself, if it is a well-formed ``ComponentSpec``; of which kind is not looked at.

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
    try:
        stated_range(spec.tags)
        stated_direction(spec.tags)
    except ValueError as error:
        raise PluginError(f"the tags of component '{spec.name}': {error}") from None
    if "\n" in spec.summary:
        raise PluginError(f"the summary of component '{spec.name}' must be one line")
    for target in (spec.target, spec.options):
        if target is not None:
            check_target(target, f"component '{spec.name}'")
    return spec


def checked_settings(target: object) -> str | None:
    """``target`` itself, if it is None or of the form ``module:attribute``.

    Raises:
        PluginError: it is something else.
    """
    if target is not None:
        check_target(target, "netlab_settings")
    return target  # type: ignore[return-value]


def check_known_kind(spec: ComponentSpec, kinds: Mapping[str, KindSpec]) -> None:
    """Refuse a component of a kind that there is not.

    Raises:
        PluginError: with the closest.
    """
    if spec.kind not in kinds:
        hint = closest(spec.kind, kinds) or f" Known: {', '.join(kinds)} (a newer netlab may have more)."
        raise PluginError(f"component '{spec.name}' is of unknown kind '{spec.kind}'.{hint}")


def checked_command(declared: object) -> tuple[str, str, str]:
    """``declared`` itself, if it is a well-formed command: name, help, target.

    Raises:
        PluginError: saying what is wrong with it.
    """
    if not (
        isinstance(declared, tuple) and len(declared) == 3 and all(isinstance(text, str) for text in declared)
    ):
        raise PluginError(f"netlab_commands gave {declared!r:.80}, not (name, help, 'module:function')")
    name, summary, target = declared
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise PluginError(f"command name {name!r} may hold only a-z, 0-9 and '-'")
    check_target(target, f"command '{name}'")
    return name, summary, target
