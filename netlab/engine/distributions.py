"""The installed distributions: their names, their entry points for netlab, and what they require of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email import message_from_string
from email.message import Message
from importlib import metadata
from itertools import chain

from netlab import __version__

OWN_DISTRIBUTION = "netlab-vision"
FILE = "file:"  # what stands before the name of a plugin file in the place of a distribution
GROUP_START = "netlab.v"
GROUP_PATTERN = re.compile(r"netlab\.v(\d+)")
REQUIREMENT_NAME = re.compile(r"\s*([A-Za-z0-9._-]+)")
AT_LEAST = re.compile(r"[A-Za-z0-9._-]+\s*>=\s*(\d+(?:\.\d+)*)")


def canonical(distribution: str) -> str:
    """A distribution's name in the index's canonical form: ``My_Pkg`` and ``my-pkg`` are one."""
    if is_file(distribution):
        return distribution
    return re.sub(r"[-_.]+", "-", distribution).lower()


def is_file(distribution: str) -> bool:
    """Whether it is a plugin file, ``file:mine.py``, and no distribution."""
    return distribution.startswith(FILE)


def installed_entry_points(
    unreadable: Callable[[metadata.Distribution, Exception], object] = lambda distribution, error: None,
) -> list[metadata.EntryPoint]:
    """The entry points of every version of the plugin API, by group and name.

    Read a distribution at a time, so that one with a damaged file does not hide the others: it is given
    to ``unreadable``, with the error.
    """
    found: dict[str, list[metadata.EntryPoint]] = {}
    for distribution in metadata.distributions():
        try:
            if GROUP_START not in (distribution.read_text("entry_points.txt") or ""):
                continue  # most have none: they need not be parsed
            points = [point for point in distribution.entry_points if GROUP_PATTERN.fullmatch(point.group)]
            if points:  # of several installations of a distribution, Python imports the first
                found.setdefault(canonical(fields_of(distribution)["Name"] or "?"), points)
        except Exception as error:
            unreadable(distribution, error)
    return sorted(chain(*found.values()), key=lambda point: (point.group, point.name))


def fields_of(distribution: metadata.Distribution) -> Message:
    """The fields of a distribution's metadata, without the description below them, which is long to parse."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    return message_from_string(text.partition("\n\n")[0])


def unmet_requirements(requirements: Iterable[str], version: str = __version__) -> list[str]:
    """Those of a distribution's ``Requires-Dist`` that ask for another netlab than ``version``.

    An installer sees to them, but not where a package was installed without its dependencies or netlab
    was changed afterwards. What is asked only with an extra is not looked at.

    Raises:
        packaging.requirements.InvalidRequirement: one about netlab is not a requirement.
    """
    return [
        text.strip()
        for text in requirements
        if (name := REQUIREMENT_NAME.match(text)) is not None
        and canonical(name[1]) == OWN_DISTRIBUTION
        and not is_met(text.strip(), version)
    ]


def is_met(requirement: str, version: str) -> bool:
    """Whether ``version`` of netlab will do for a requirement of netlab."""
    if (least := AT_LEAST.fullmatch(requirement)) is not None and re.fullmatch(r"\d+(\.\d+)*", version):
        # What nearly all write. Every command would wait for packaging, which takes as long as all plugins.
        return release(version) >= release(least[1])
    from packaging.requirements import Requirement

    parsed = Requirement(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
        return True
    return parsed.specifier.contains(version, prereleases=True)


def release(version: str) -> tuple[int, ...]:
    """``1.20.0`` as numbers, without the zeros at its end: ``1.0`` and ``1`` are one version."""
    numbers = [int(number) for number in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
