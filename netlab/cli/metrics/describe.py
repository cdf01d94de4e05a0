"""``netlab metrics --list``: every metric in the words of its docstring."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence

from netlab.cli.core.console import terminal, titled
from netlab.cli.core.flags import Flag, component_flags
from netlab.engine.catalog import Component
from netlab.engine.metric_tags import stated_direction
from netlab.engine.sources import docstring
from netlab.errors import PluginError

PARTS = ("Formula:", "Range:", "Ties:", "Source:", "Cost:")


def describe(components: Sequence[Component], *, as_json: bool) -> None:
    """Every metric: summary, then formula, range, ties and source from its own docstring, and options."""
    if as_json:
        rows = [
            {
                "name": c.name,
                "summary": c.spec.summary,
                "description": description(c),
                "better": stated_direction(c.spec.tags),
                "reference": c.spec.reference,
                "options": [flag.canonical for flag in options(c)[0]],
                "distribution": c.plugin.distribution,
            }
            for c in components
        ]
        print(json.dumps({"metrics": rows}, indent=2))
        return
    console = terminal()
    for component in components:
        console.print(titled(component.name, f"  {component.spec.summary}"))
        for line in paragraphs(description(component) or f"Source: {component.spec.reference}"):
            console.print(line, style="dim" if line.startswith("Source") else "")
        console.print(f"Better: {stated_direction(component.spec.tags) or 'not stated'}.")
        flags, problem = options(component)
        for flag in flags:
            console.print(f"{flag.canonical}  {flag.help}", style="cyan")
        if problem:
            console.print(problem, style="red")
        console.print()


def description(component: Component) -> str:
    """A metric's docstring: read, as importing all metrics would take longer than all else."""
    written = docstring(component.spec.target)
    if written is not None:
        return written
    try:
        return inspect.getdoc(component.load()) or ""
    except PluginError as error:
        return str(error)


def options(component: Component) -> tuple[list[Flag], str]:
    """The flags of a metric, or why there are none."""
    try:
        return component_flags(component, prefix=component.name), ""
    except PluginError as error:
        return [], str(error)


def paragraphs(text: str) -> Iterator[str]:
    """The docstring with its lines joined, one part a line."""
    current = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith(PARTS):
            if current:
                yield current
            current = stripped
        else:
            current = f"{current} {stripped}".strip()
    if current:
        yield current
