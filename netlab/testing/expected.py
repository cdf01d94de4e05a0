"""Checks that are expected to fail, each with its reason. They are strict: one that passes is a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from netlab.errors import UsageError, closest

if TYPE_CHECKING:
    from netlab.testing.plugin_check import CheckResult

CONFORMANCE = "conformance: "


def matched_reasons(names: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, str]:
    """The reason of every check that is expected to fail, by its id.

    Args:
        names: the names of the checks (``stride``) by id (``block-mine-stride``).
        expected: reasons by a check's name, its id or a pattern of ids (``*-gradients``).

    Raises:
        UsageError: a pattern matches no check (with the closest).
    """
    reasons: dict[str, str] = {}
    for pattern, reason in expected.items():
        matching = [key for key, name in names.items() if name == pattern or fnmatchcase(key, pattern)]
        if not matching:
            known = [*names, *names.values()]
            raise UsageError(f"expected_failures: no check is called '{pattern}'.{closest(pattern, known)}")
        reasons |= dict.fromkeys(matching, reason)
    return reasons


def read_expected(words: Iterable[str]) -> dict[str, str]:
    """``CHECK=REASON`` of the command line, as a table.

    Raises:
        UsageError: a word has no reason.
    """
    expected = {}
    for word in words:
        check, equals, reason = (part.strip() for part in word.partition("="))
        if not (check and equals and reason):
            raise UsageError(f"--expect {word}: expected CHECK=REASON, such as small-maps='needs 3 x 3'")
        expected[check] = reason
    return expected


def with_expected(results: Sequence[CheckResult], expected: Mapping[str, str]) -> list[CheckResult]:
    """The results in which a failure that is expected is no failure, and one that did not come is one.

    Raises:
        UsageError: a pattern matches no check.
    """
    names = {
        id_of(result): result.stage.removeprefix(CONFORMANCE)
        for result in results
        if result.stage.startswith(CONFORMANCE)
    }
    reasons = matched_reasons(names, expected)
    return [
        after(result, reasons[id_of(result)])
        if result.stage.startswith(CONFORMANCE) and id_of(result) in reasons
        else result
        for result in results
    ]


def id_of(result: CheckResult) -> str:
    """``block-mine-stride``, ``hooks-mine-events``: as tests call the check."""
    owner = f"hooks-{result.plugin}" if result.part == "hooks" else result.part.replace(" ", "-")
    return f"{owner}-{result.stage.removeprefix(CONFORMANCE)}"


def after(result: CheckResult, reason: str) -> CheckResult:
    """A result of a check that was expected to fail for ``reason``."""
    if result.result == "failed":
        return replace(result, result="expected", detail=reason)
    if result.result == "ok":
        return replace(result, result="failed", detail=f"it passes, and is expected to fail: {reason}")
    return result
