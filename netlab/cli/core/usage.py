"""What Typer refuses, as one line: what was wrong, the closest name, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer

from netlab.cli.core.session import Session
from netlab.errors import UsageError, closest

REFUSAL: Any = typer.BadParameter.__bases__[0]  # every error in the use of a command: it has no public name


def unknown_command(name: str, known: Iterable[str], *, of: str = "") -> UsageError:
    """There is no such command, or subcommand of ``of``."""
    names = list(known)
    hint = closest(name, names) or f" Known: {', '.join(names)}."
    return UsageError(f"there is no command '{f'{of} {name}'.strip()}'.{hint}")


def one_line(refusal: Any, session: Session) -> UsageError:
    """A refusal of the session's words in netlab's own words."""
    command = " ".join(["netlab", *(w for w in session.arguments[: session.depth] if not w.startswith("-"))])
    see = f"(see {command} --help)"
    message = " ".join(refusal.format_message().split())
    option = getattr(refusal, "option_name", None)
    params = refusal.ctx.command.get_params(refusal.ctx) if refusal.ctx is not None else []
    known = [name for param in params for name in (*param.opts, *param.secondary_opts)]
    if "requires an argument" in message:
        return UsageError(f"{option} needs a value {see}")
    if "does not take a value" in message:
        return UsageError(f"{option} takes no value: it is given or left out {see}")
    if option is not None:
        return UsageError(f"there is no flag {option}.{closest(option, known)} {see}")
    if extra := re.match(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        flag = f"--{extra[1].split()[0]}"
        likely = f" Did you mean '{flag}'?" if flag in known else ""
        return UsageError(f"{command} takes no '{extra[1]}'.{likely} {see}")
    return UsageError(f"{message} {see}")
