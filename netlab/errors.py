"""Errors meant for the person who typed the command: one clear line and an exit code."""

from __future__ import annotations

from collections.abc import Iterable


class NetlabError(Exception):
    """Something failed. The message is one line: what, what was expected, what to do."""

    exit_code = 1


class UsageError(NetlabError):
    """The command or its input is wrong."""

    exit_code = 2


class PluginError(NetlabError):
    """A plugin failed while it was used."""

    exit_code = 3


def closest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'grouped'?`` with up to three similar names, or an empty text."""
    import difflib  # not for every start: an error is rare

    matches = difflib.get_close_matches(name, sorted(set(known)), n=3, cutoff=0.6)
    if not matches:
        return ""
    return f" Did you mean {' or '.join(repr(match) for match in matches)}?"


def first_line(error: BaseException) -> str:
    """The error as one line, for reports: its type only where the message alone would not explain."""
    text = " ".join(str(error).split())
    if isinstance(error, NetlabError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
