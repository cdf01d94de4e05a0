"""A command from its options: pydantic models in, a Typer function out."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from netlab.cli.core.flags import Argument, Completion, Flag, Shown, own_flags, unique_short_forms
from netlab.cli.core.part_flags import folded
from netlab.cli.core.session import COMPLETING, Session
from netlab.cli.core.words import rewrite_short_flags
from netlab.engine.catalog import Component
from netlab.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

Given = Mapping[str, Mapping[str, Any]]  # what flags say: table -> option -> value
Model = TypeVar("Model", bound="BaseModel")


def command(
    session: Session,
    options: type[Model],
    function: Callable[..., None],
    *,
    flags: Sequence[Flag] | None = None,
    parts: Iterable[Component] = (),
    completions: Mapping[str, Completion] = MappingProxyType({}),
    only_shows: Callable[[Model], bool] = lambda options: False,
) -> Callable[..., None]:
    """The Typer function of a command, and the session's words rewritten to the canonical flags.

    ``function`` is called with the command's own ``options``, and unless ``flags`` is None with what these
    further flags say: ``Given``. ``parts`` are the components that it works with. ``only_shows`` says with
    which options it only lists or explains what is installed.

    Raises:
        UsageError: a word is a flag that the command does not have.
    """
    own = own_flags(options, completions)
    every = sorted(
        [*own, *(flags or ())], key=lambda flag: flag.table != "parts"
    )  # the choice of parts comes first
    session.after_command = rewrite_short_flags(session.after_command, every, session.catalog, parts)

    def call(**keywords: Any) -> None:
        given: dict[str, dict[str, Any]] = {}
        for flag, value in zip(every, keywords.values(), strict=True):
            if value is not None and value != []:
                given.setdefault(flag.table, {})[flag.option] = flag.parse(value)
        made = make_options(options, own, given.pop("", {}))
        session.only_shows = only_shows(made)
        if flags is None:
            function(made)
        else:
            function(made, folded(given))

    call.__doc__ = function.__doc__
    call.__name__ = function.__name__
    short = unique_short_forms(every)
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [typer_parameter(flag, f"p{n}", short=flag.short_form in short) for n, flag in enumerate(every)]
    )
    return call


def make_options(model: type[Model], flags: Sequence[Flag], values: Mapping[str, Any]) -> Model:
    """A command's own options.

    Raises:
        UsageError: one that it needs is missing, or some do not go together.
    """
    from pydantic import ValidationError

    if not values and not any(field.is_required() for field in model.model_fields.values()):
        return model.model_construct()  # as when it is validated, without 7 ms for building its validator
    named = {model.model_fields[option].alias or option: value for option, value in values.items()}
    try:
        return model.model_validate(named)
    except ValidationError as error:
        shown = {model.model_fields[flag.option].alias or flag.option: flag for flag in flags}
        missing = [shown[str(e["loc"][0])] for e in error.errors() if e["type"] == "missing"]
        missing.sort(key=lambda flag: not flag.is_argument)
        if not missing:
            raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        described = " and ".join(
            f"{flag.shown} ({flag.help.removesuffix(' Required.').rstrip('.')})" for flag in missing
        )
        raise UsageError(f"missing {described}") from None


def typer_parameter(flag: Flag, name: str, *, short: bool) -> inspect.Parameter:
    """The flag as a parameter of a Typer command; None means that it was not given.

    Typer takes texts: ``Flag.parse`` says in netlab's words what is wrong with one. ``short`` says whether
    its short form works here, and so is shown. Short forms are rewritten before Typer sees the words; only
    while a shell asks for completions does it see the words as they are typed.
    """
    kind: Any = bool if flag.is_switch else list[str] if flag.is_list else str
    shown: dict[str, Any] = {
        "help": f"{flag.help} Short: {flag.short_form}." if short else flag.help,
        "rich_help_panel": "Arguments" if flag.is_argument else flag.panel,
        "show_default": False,
        "metavar": None if flag.is_switch else flag.metavar,
        "autocompletion": flag.completion or choice_completion(flag),
    }
    if isinstance(flag.marker, Argument):
        info = typer.Argument(**shown)
    else:
        names = [flag.canonical, *([str(flag.short_form)] if short and COMPLETING in os.environ else [])]
        if flag.is_switch and flag.switches_off:
            names = [f"{form}/--no-{form.removeprefix('--')}" for form in names]
        if isinstance(flag.marker, Shown) and flag.marker.short:
            names.append(flag.marker.short)
        info = typer.Option(*names, **shown)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, info]
    )


def choice_completion(flag: Flag) -> Completion | None:
    """Completes one of a few choices."""
    if typing.get_origin(flag.annotation) is not Literal:
        return None
    choices = typing.get_args(flag.annotation)
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]
