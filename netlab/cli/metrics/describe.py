"""``netlab metrics --list``: every metric in the words of its docstring."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence

from netlab.cli.core.console import terminal, titled
from netlab.cli.core.flags import component_flags
from netlab.engine.catalog import Component

PARTS = ("Formula:", "Range:", "Ties:", "Source:", "Cost:")


def describe(components: Sequence[Component], *, as_json: bool) -> None:
    """Every metric: summary, then formula, range, ties and source from its own docstring, and options."""
    if as_json:
        rows = [
            {
                "name": c.name,
                "summary": c.spec.summary,
                "description": inspect.getdoc(c.load()) or "",
                "reference": c.spec.reference,
                "options": [flag.canonical for flag in component_flags(c, prefix=c.name)],
                "distribution": c.plugin.distribution,
            }
            for c in components
        ]
        print(json.dumps({"metrics": rows}, indent=2))
        return
    console = terminal()
    for component in components:
        console.print(titled(component.name, f"  {component.spec.summary}"))
        text = inspect.getdoc(component.load()) or f"Source: {component.spec.reference}"
        for line in paragraphs(text):
            console.print(line, style="dim" if line.startswith("Source") else "")
        for flag in component_flags(component, prefix=component.name):
            console.print(f"{flag.canonical}  {flag.help}", style="cyan")
        console.print()


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
