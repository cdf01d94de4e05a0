"""Options models become flags: what a flag is called, says, and takes.

A command's options are pydantic models: its own, and those of the parts that were chosen. The canonical
flag of a part's option is ``--SELECTOR.OPTION`` (``--block.paths``); ``netlab.cli.core.words`` rewrites
the short form ``--paths`` to it, ``netlab.cli.core.command`` gives the flags to Typer.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from netlab.engine.catalog import Component
from netlab.engine.option_errors import bounds_of, choices_of, explain
from netlab.engine.option_types import flag_type
from netlab.errors import PluginError, UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

SHOWN_CHOICES = 3  # more than these are listed in the help's text: the type's column is narrow
PANEL = "Options"

Completion = Callable[[str], list[Any]]


@dataclass(frozen=True, slots=True)
class Argument:
    """Marks a field of a command's options that is given by its place: ``Annotated[T, Argument("FILE...")]``.

    ``metavar`` is what the help calls it, in brackets where it may be left out.
    """

    metavar: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field's flag is shown, where its name and type do not say it: ``-y``, ``KEY=VALUE``."""

    short: str | None = None
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """One option as a flag.

    ``table`` is where its value belongs: the selector of a part (``block``), ``training``, or "" for
    the command's own options. ``prefix`` stands before its name on the command line. ``owner`` is for
    messages. ``switches_off`` says whether ``--no-NAME`` exists.
    """

    table: str
    option: str
    name: str
    owner: str
    panel: str
    annotation: Any
    help: str
    prefix: str = ""
    field: FieldInfo | None = None
    allow_inf_nan: bool = True
    marker: Argument | Shown | None = None
    switches_off: bool = True
    completion: Completion | None = None

    @property
    def canonical(self) -> str:
        return f"--{self.prefix}.{self.name}" if self.prefix else f"--{self.name}"

    @property
    def short_form(self) -> str | None:
        """``--paths`` for ``--block.paths``; a command's own flags have none."""
        return f"--{self.name}" if self.prefix else None

    @property
    def is_argument(self) -> bool:
        return isinstance(self.marker, Argument)

    @property
    def is_switch(self) -> bool:
        return self.annotation is bool

    @property
    def is_list(self) -> bool:
        return typing.get_origin(self.annotation) is list

    @property
    def shown(self) -> str:
        """What an error calls it."""
        return self.marker.metavar.strip("[].") if isinstance(self.marker, Argument) else self.canonical

    @property
    def metavar(self) -> str:
        """Its type, as the help shows it."""
        if self.marker is not None and self.marker.metavar:
            return self.marker.metavar
        if typing.get_origin(self.annotation) is Literal:
            choices = typing.get_args(self.annotation)
            return f"<{'|'.join(choices)}>" if len(choices) <= SHOWN_CHOICES else "NAME"
        (inner,) = typing.get_args(self.annotation) if self.is_list else (self.annotation,)
        return f"<{inner.__name__.lower()}>"

    def spellings(self) -> dict[str, str]:
        """Every way to write the flag -> the canonical way."""
        own = dict(zip(self._written(self.canonical), self._written(self.canonical), strict=True))
        if isinstance(self.marker, Shown) and self.marker.short:
            own[self.marker.short] = self.marker.short
        return own | self.short_spellings()

    def short_spellings(self) -> dict[str, str]:
        """The short ways to write a part's flag -> the canonical way."""
        if self.short_form is None:
            return {}
        return dict(zip(self._written(self.short_form), self._written(self.canonical), strict=True))

    def _written(self, flag: str) -> list[str]:
        return [flag, f"--no-{flag.removeprefix('--')}"] if self.is_switch and self.switches_off else [flag]

    def parse(self, given: Any) -> Any:
        """The value of what was typed.

        Raises:
            UsageError: it is not of the option's type, or out of its range.
        """
        if self.field is None:
            return given
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        kind: Any = self.field.annotation
        for bound in filter(_is_bound, self.field.metadata):
            kind = Annotated[kind, bound]
        adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(allow_inf_nan=self.allow_inf_nan))
        try:
            return adapter.validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{self.shown} {first['input']}: {explain(first, self.field)}") from None


def _is_bound(metadata: Any) -> bool:
    """Whether it limits values; validators run with the whole model, once."""
    return any(hasattr(metadata, name) for name in ("ge", "gt", "le", "lt"))


def component_flags(component: Component, prefix: str | None = None) -> list[Flag]:
    """The flags of a chosen component, under ``prefix``, by default its own.

    Raises:
        PluginError: an option has a type that no flag can hold.
    """
    model = component.options_model()
    if model is None:
        return []
    selector = prefix or component.prefix
    panel = f"{component.selector.capitalize()} '{component.name}'"
    try:
        return model_flags(model, table=selector, prefix=selector, owner=component.title, panel=panel)
    except TypeError as error:
        component.manager.fail(component.plugin, "options", error)
        raise PluginError(f"{component.title} of {component.plugin.distribution}: {error}") from None


def model_flags(
    model: type[BaseModel], *, table: str, owner: str, panel: str = PANEL, prefix: str = ""
) -> list[Flag]:
    """A flag for every field of an options model (see ``Flag``).

    Raises:
        TypeError: a field's type is not a scalar, a choice (Literal) or a list of them.
    """
    return [
        Flag(
            table, name, (field.alias or name).replace("_", "-"), owner, panel,
            flag_type(name, field.annotation), help_text(field), prefix=prefix, field=field,
            allow_inf_nan=model.model_config.get("allow_inf_nan", True),
        )
        for name, field in model.model_fields.items()
    ]  # fmt: skip


def own_flags(
    model: type[BaseModel], completions: Mapping[str, Completion] = MappingProxyType({})
) -> list[Flag]:
    """The flags of a command's own options: first those that its class declares, then those of its bases.

    The panel is the attribute ``PANEL`` of the class that declares a field. ``completions`` says how a
    shell completes values, by the field's name.
    """
    flags = {flag.option: flag for flag in model_flags(model, table="", owner="the command")}
    found = []
    for declaring in model.__mro__:
        for name in vars(declaring).get("__annotations__", {}):
            flag = flags.pop(name, None)
            if flag is None:
                continue
            field = model.model_fields[name]
            marks = (mark for mark in field.metadata if isinstance(mark, (Argument, Shown)))
            found.append(
                replace(
                    flag,
                    panel=vars(declaring).get("PANEL", PANEL),
                    marker=next(marks, None),
                    # What is off unless it is asked for needs no flag to be off.
                    switches_off=field.default is not False,
                    help=flag.help.removesuffix(" Default: off."),
                    completion=completions.get(name),
                )
            )
    return found


def help_text(field: FieldInfo) -> str:
    """Description, range and default, for --help."""
    parts = [field.description or ""]
    choices, repeatable = choices_of(field.annotation)
    if repeatable and not any(isinstance(mark, Argument) for mark in field.metadata):
        parts.append("Repeat the flag for several.")
    if len(choices) > SHOWN_CHOICES or (choices and repeatable):
        parts.append(f"One of: {', '.join(choices)}.")
    if bounds := bounds_of(field):
        parts.append(f"Range: {', '.join(bounds)}.")
    extra = field.json_schema_extra
    if field.is_required():
        parts.append("Required.")
    elif isinstance(extra, dict) and "shown_default" in extra:
        parts.append(f"Default: {extra['shown_default']}." if extra["shown_default"] else "")
    elif (default := field.get_default(call_default_factory=True)) is not None and default not in ((), []):
        parts.append(f"Default: {default_text(default)}.")
    return " ".join(part for part in parts if part)


def default_text(default: Any) -> str:
    """A default value as a user would type it."""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, (list, tuple, set, frozenset)):
        return " ".join(str(item) for item in default)
    return str(default)


def unique_short_forms(flags: Sequence[Flag]) -> set[str]:
    """The short forms that mean one flag only."""
    taken = {flag.canonical for flag in flags} | {"--help"}
    offered = [flag.short_form for flag in flags if flag.short_form]
    return {form for form in offered if form not in taken and offered.count(form) == 1}
