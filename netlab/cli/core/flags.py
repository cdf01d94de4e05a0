"""Options models become real flags.

A command declares flags from pydantic models: those of the components that were chosen, and its own.
The canonical flag of a component's option is ``--SELECTOR.OPTION`` (``--block.paths``); the short
form ``--paths`` is rewritten to it when no other flag of the command has that name. Typer sees only
canonical flags, and validates only types and choices: ranges and the rest are pydantic's.
"""

from __future__ import annotations

import inspect
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from netlab.cli.core.session import COMPLETING
from netlab.engine.catalog import Catalog, Component
from netlab.engine.option_names import ambiguous, components_offering, not_chosen
from netlab.engine.option_types import flag_type
from netlab.errors import PluginError, UsageError, closest
from netlab.kinds import KINDS

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

SHOWN_CHOICES = 3  # more than these are listed in the help's text: the type's column is narrow
BOUNDS = {"ge": ">= {}", "gt": "> {}", "le": "<= {}", "lt": "< {}"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One option of a component or command, as a flag.

    ``prefix`` is the selector (``block``) or "" for a command's own; ``owner`` is for messages.
    """

    prefix: str
    option: str
    owner: str
    panel: str
    annotation: Any
    help: str

    @property
    def dashed(self) -> str:
        return self.option.replace("_", "-")

    @property
    def canonical(self) -> str:
        return f"--{self.prefix}.{self.dashed}" if self.prefix else f"--{self.dashed}"

    @property
    def is_switch(self) -> bool:
        return self.annotation is bool

    @property
    def parameter(self) -> str:
        """The name of the command function's parameter."""
        return (
            f"{self.prefix}__{self.option}".replace(".", "_").replace("-", "_")
            if self.prefix
            else self.option
        )

    def spellings(self) -> dict[str, str]:
        """Every way to write the flag -> the canonical way."""
        name = f"{self.prefix}.{self.dashed}" if self.prefix else self.dashed
        written = {f"--{name}": f"--{name}"}
        if self.is_switch:
            written[f"--no-{name}"] = f"--no-{name}"
        return written | self.short_spellings()

    def short_spellings(self) -> dict[str, str]:
        """The short ways to write a component's flag -> the canonical way."""
        if not self.prefix:
            return {}
        name = f"{self.prefix}.{self.dashed}"
        short = {f"--{self.dashed}": f"--{name}"}
        if self.is_switch:
            short[f"--no-{self.dashed}"] = f"--no-{name}"
        return short


def component_flags(component: Component, prefix: str | None = None) -> list[Flag]:
    """The flags of a chosen component, under its kind's selector unless ``prefix`` is given.

    Raises:
        PluginError: an option has a type that no flag can hold.
    """
    model = component.options_model()
    if model is None:
        return []
    selector = prefix or KINDS[component.kind].selector
    panel = f"{KINDS[component.kind].selector.capitalize()} '{component.name}'"
    try:
        return model_flags(model, prefix=selector, owner=component.title, panel=panel)
    except TypeError as error:
        component.manager.fail(component.plugin, "options", error)
        raise PluginError(f"{component.title} of {component.plugin.distribution}: {error}") from None


def model_flags(
    model: type[BaseModel], *, prefix: str, owner: str, panel: str, only: Iterable[str] | None = None
) -> list[Flag]:
    """A flag for every field of an options model.

    Raises:
        TypeError: a field's type is not a scalar, a choice (Literal) or a list of them.
    """
    names = list(model.model_fields) if only is None else list(only)
    return [
        Flag(prefix, name, owner, panel, flag_type(name, field.annotation), help_text(field))
        for name, field in ((name, model.model_fields[name]) for name in names)
    ]


def help_text(field: FieldInfo) -> str:
    """Description, range and default, for --help."""
    parts = [field.description or ""]
    choices, repeatable = literal_choices(field.annotation)
    if repeatable:
        parts.append("Repeat the flag for several.")
    if len(choices) > SHOWN_CHOICES or (choices and repeatable):
        parts.append(f"One of: {', '.join(choices)}.")
    bounds = [
        pattern.format(f"{value:g}" if isinstance(value, float) else value)
        for bound in field.metadata
        for key, pattern in BOUNDS.items()
        if (value := getattr(bound, key, None)) is not None
    ]
    if bounds:
        parts.append(f"Range: {', '.join(bounds)}.")
    if field.is_required():
        parts.append("Required.")
    elif isinstance(field.json_schema_extra, dict) and "shown_default" in field.json_schema_extra:
        parts.append(f"Default: {field.json_schema_extra['shown_default']}.")
    elif (default := field.get_default(call_default_factory=True)) is not None and default != ():
        parts.append(f"Default: {default_text(default)}.")
    return " ".join(part for part in parts if part)


def literal_choices(annotation: Any) -> tuple[tuple[str, ...], bool]:
    """The choices of a field's annotation, if it has any, and whether it takes several values."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return arguments, False
    if origin in (list, tuple, set, frozenset):
        return literal_choices(arguments[0])[0], True
    if origin in (typing.Union, types.UnionType):
        return next((literal_choices(a) for a in arguments if a is not type(None)), ((), False))
    return (), False


def default_text(default: Any) -> str:
    """A default value as a user would type it."""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, (list, tuple, set, frozenset)):
        return " ".join(str(item) for item in default)
    return str(default)


def typer_parameter(flag: Flag, *, short: bool) -> inspect.Parameter:
    """The flag as a parameter of a Typer command; None means that it was not given.

    ``short`` says whether its short form works here, and so is shown. Short forms are rewritten before Typer
    sees the words; only while a shell asks for completions does it see the words as they are typed.
    """
    name = flag.canonical.removeprefix("--")
    names = [name, *([flag.dashed] if short and COMPLETING in os.environ else [])]
    declarations = [f"--{name}/--no-{name}" if flag.is_switch else f"--{name}" for name in names]
    many_choices = typing.get_origin(flag.annotation) is Literal and (
        len(typing.get_args(flag.annotation)) > SHOWN_CHOICES
    )
    option = typer.Option(
        *declarations,
        help=escape_markup(f"{flag.help} Short: --{flag.dashed}." if short else flag.help),
        rich_help_panel=flag.panel,
        show_default=False,
        metavar="NAME" if many_choices else None,
    )
    return inspect.Parameter(
        flag.parameter,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[flag.annotation | None, option],
    )


def escape_markup(text: str) -> str:
    """Text from plugins must not be read as rich's markup."""
    return text.replace("[", "\\[")


def with_flags(
    function: Callable[..., None],
    flags: Sequence[Flag],
    completions: Mapping[str, Callable[[str], list[Any]]] = MappingProxyType({}),
) -> Callable[..., None]:
    """A command function whose signature has the flags after its own parameters.

    ``function`` keeps its own parameters and receives the flags' values that were given as
    ``values: dict[str, dict[str, Any]]``, by prefix and option. ``completions`` says how a shell
    completes the values of its own parameters, by name.
    """
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "values"
    ]
    for parameter in own:
        if parameter.name in completions:
            (option,) = typing.get_args(parameter.annotation)[1:]
            option.autocompletion = completions[parameter.name]

    def command(**keywords: Any) -> None:
        values: dict[str, dict[str, Any]] = {}
        for flag in flags:
            value = keywords.pop(flag.parameter)
            if value is not None and not (isinstance(value, list) and not value):
                values.setdefault(flag.prefix, {})[flag.option] = value
        function(values=values, **keywords)

    command.__doc__ = function.__doc__
    command.__name__ = function.__name__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    short = flags_with_short_form(flags, own_spellings(function))
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        parameters + [typer_parameter(flag, short=flag in short) for flag in flags]
    )
    return command


def flags_with_short_form(flags: Sequence[Flag], own: set[str]) -> list[Flag]:
    """The components' flags whose short form is no other flag's and none of the command's own."""
    taken = own | {flag.canonical for flag in flags}
    offered = [f"--{flag.dashed}" for flag in flags if flag.prefix]
    return [
        flag
        for flag in flags
        if flag.prefix and f"--{flag.dashed}" not in taken and offered.count(f"--{flag.dashed}") == 1
    ]


def own_spellings(function: Callable[..., None]) -> set[str]:
    """Every flag that a command function declares itself, and --help."""
    found = {"--help", "-h"}
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        for extra in typing.get_args(parameter.annotation)[1:]:
            # Inside Annotated, Typer takes the first declaration for the (unused) default.
            for declaration in (
                getattr(extra, "default", None),
                *(getattr(extra, "param_decls", None) or ()),
            ):
                if isinstance(declaration, str) and declaration.startswith("-"):
                    found.update(declaration.split("/"))
    return found


def rewrite_short_flags(
    arguments: Sequence[str],
    flags: Sequence[Flag],
    own: set[str],
    catalog: Catalog,
    chosen: Iterable[Component] = (),
) -> list[str]:
    """Replace short flags by canonical ones and refuse flags that the command does not have.

    ``own`` are the flags that the command declares itself, ``chosen`` the components it works with
    (one may have no flags at all).

    Raises:
        UsageError: an ambiguous short flag, a flag of a component that was not chosen (naming its
            owner), or an unknown one (with the closest).
    """
    canonical: dict[str, str] = {}
    short: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for flag in flags:
        owners |= dict.fromkeys(flag.spellings().values(), flag.owner)
        for written, meant in flag.spellings().items():
            if written in flag.short_spellings():
                short.setdefault(written, []).append(meant)
            else:
                canonical[written] = meant
    rewritten: list[str] = []
    for position, argument in enumerate(arguments):
        if argument == "--":
            return rewritten + list(arguments[position:])
        name, equals, value = argument.partition("=")
        if not name.startswith("--") or name in own or name in canonical:
            rewritten.append(argument)
        elif len(short.get(name, ())) == 1:
            rewritten.append(short[name][0] + equals + value)
        elif name in short:
            raise UsageError(ambiguous(name, {meant: owners[meant] for meant in short[name]}))
        else:
            known = own | canonical.keys() | short.keys()
            titles = [component.title for component in chosen]
            raise UsageError(unknown_flag(name, flags, known, catalog, titles))
    return rewritten


def unknown_flag(
    name: str, flags: Sequence[Flag], known: Iterable[str], catalog: Catalog, titles: Iterable[str]
) -> str:
    """Why there is no such flag: it belongs to a component that was not chosen, or to none."""
    chosen = {flag.owner for flag in flags} | set(titles)

    def offers(component: Component) -> bool:
        # A metric's flags bear its own name, as several are chosen at once.
        prefix = component.name if component.kind == "metric" else None
        return any(name in flag.spellings() for flag in component_flags(component, prefix))

    if owners := components_offering(catalog, chosen, offers):
        return not_chosen(name, owners, chosen, how_to_choose)
    return f"there is no flag {name}.{closest(name, known) or ' See --help.'}"


def how_to_choose(component: Component) -> str:
    """What to type so that the command works with a component."""
    if component.kind == "metric":  # metrics are named without a flag
        return f"name it too: netlab metrics {component.name}"
    return f"choose it with --{KINDS[component.kind].selector} {component.name}"
