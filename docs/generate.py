"""Writes what the pages say of the code: contracts, examples, checks and hooks, and the Python API.

    python docs/generate.py

fills in the parts of ``docs/plugins/*.md`` between ``<!-- generated: NAME -->`` and ``<!-- end -->``, and
leaves the rest; ``api_pages`` writes ``docs/api.md``. The tests fail when a page differs from the code.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from pathlib import Path
from types import FunctionType

import api_pages

from netlab import specs
from netlab.engine.declaration import HOOK_NAMES
from netlab.kinds import KINDS
from netlab.scaffold import package_texts
from netlab.testing import component_checks

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "plugins"
PART = re.compile(r"(<!-- generated: (\w+) (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
EXAMPLE = "mine"


def contract(kind: str) -> str:
    """How a component of the kind is called, and the value types of its module."""
    module = importlib.import_module(f"netlab.kinds.{kind}")
    classes = [value for value in vars(module).values() if inspect.isclass(value)]
    sources = [inspect.getsource(value).strip() for value in classes if value.__module__ == module.__name__]
    text = "\n\n\n".join(sources)
    return f"```python\n{text}\n```\n"


def example(kind: str) -> str:
    """The files that ``netlab plugins new mine --kind KIND`` writes for the component."""
    texts = package_texts(EXAMPLE, kind)
    places = [place for place in sorted(texts) if place.startswith("src/") and "__init__" not in place]
    return "\n".join(f"`{place}`:\n\n```python\n{texts[place].strip()}\n```\n" for place in places)


def checks(kind: str) -> str:
    """What the conformance kit checks of the kind."""
    rows = [f"| `{check.name}` | {as_markdown(check.summary)} |" for check in component_checks(kind)]
    return "\n".join(("| check | what it demands |", "|---|---|", *rows, ""))


def hooks(_: str) -> str:
    """Every hook: signature, what its docstring says, and who implements it in this repository."""
    sections = []
    for name in hook_names():
        function = getattr(specs, name)
        text = textwrap.dedent(function.__doc__ or "").strip()
        links = [f"[{Path(place).parent.name}](../../{place})" for place in implementations(name)]
        code = f"```python\n{signature(function)}\n```"
        used = f"Implemented by {', '.join(links)}."
        sections.append(f"## `{name}`\n\n{code}\n\n{as_markdown(text)}\n\n{used}\n")
    return "\n".join(sections)


def spec(_: str) -> str:
    """The fields of a declaration."""
    return f"```python\n{inspect.getsource(specs.ComponentSpec).strip()}\n```\n"


def hook_names() -> list[str]:
    """The hooks, in the order in which ``netlab/specs.py`` defines them."""
    return [name for name in vars(specs) if name in HOOK_NAMES]


def signature(function: FunctionType) -> str:
    """The definition of a hook as one would write its implementation."""
    return f"@hookimpl\ndef {function.__name__}{inspect.signature(function)}: ...".replace("'", "")


def implementations(hook: str) -> list[str]:
    """The declarations of netlab's own plugins and of the examples that implement a hook."""
    files = [*ROOT.glob("plugins/*/*/plugin.py"), *ROOT.glob("examples/*/src/*/plugin.py")]
    found = [file for file in files if f"def {hook}(" in file.read_text(encoding="utf-8")]
    return [file.relative_to(ROOT).as_posix() for file in sorted(found)]


def as_markdown(docstring: str) -> str:
    """A docstring as Markdown: reStructuredText's double backticks become single ones."""
    first, _, rest = docstring.partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip().replace("``", "`")


GENERATORS = {"contract": contract, "example": example, "checks": checks, "hooks": hooks, "spec": spec}


def filled_in(text: str) -> str:
    """A page with its generated parts as the code has them now."""

    def fill(match: re.Match[str]) -> str:
        begin, what, kind, end = match.groups()
        return f"{begin}{GENERATORS[what](kind)}{end}"

    return PART.sub(fill, text)


def stale_pages() -> list[str]:
    """The pages that differ from the code."""
    return [
        page.name
        for page in sorted(PAGES.glob("*.md"))
        if (text := page.read_text(encoding="utf-8")) != filled_in(text)
    ]


def main() -> None:
    """Write every page anew."""
    for name in stale_pages():
        page = PAGES / name
        page.write_text(filled_in(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))
    for page in api_pages.write_files():
        print(page.relative_to(ROOT))
    missing = [kind for kind in KINDS if not (PAGES / f"{kind}.md").is_file()]
    if missing:
        raise SystemExit(f"no page about: {', '.join(missing)}")


if __name__ == "__main__":
    main()
