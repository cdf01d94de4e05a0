"""What ``docs/api.md`` and ``docs/api-surface.txt`` say of ``import netlab``: made from the docstrings."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import FunctionType
from typing import Any

import netlab
from netlab.api import comparing, detections, evaluation, plot, saved_run, separability

DOCS = Path(__file__).parent
INTRODUCTION = """\
# netlab in Python

Made from the docstrings by `make docs`; the examples are executed by the tests. `import netlab` is cheap: a
name is loaded when it is first used. Besides the names here, `netlab.specs`, `netlab.kinds`,
`netlab.testing` and `netlab.errors` are public; every other module may change with any version.

Options have the names of the command line's flags. A part's option is given by its own name (`paths=4`), or
by its long form where two parts have it: `block__paths=4`, or `**{"block.paths": 4}`. What goes wrong is a
`netlab.errors.NetlabError` with one clear line; `UsageError`, `PluginError` are its kinds.
"""
GROUPS = {
    "Parts, networks and data": ("parts", "load_plugin", "assemble", "summarize", "load_data"),
    "Train, and use what was trained": ("train", "load_run", "compare", "Run"),
    "The runs of a folder": ("list_runs", "verify_run", "remove_run", "restore_run"),
    "Detect": ("train_detector", "load_detector", "DetectorRun"),
    "How well features separate the classes": (
        "layer_separability",
        "feature_separability",
        "si_score",
        "csi_score",
    ),
}
# What functions give that has no name in netlab: described, not constructed by users.
RESULTS: tuple[type, ...] = (
    netlab.Table,
    plot.Plot,
    separability.LayerTable,
    evaluation.Predictions,
    evaluation.Evaluation,
    comparing.ComparisonTable,
    detections.ImageDetections,
    detections.DetectionEvaluation,
    saved_run.SavedRun,
)


def surface() -> str:
    """Every public name with its signature, a line each; of classes also what they have."""
    lines = []
    for name in netlab.__all__:
        value = getattr(netlab, name)
        if not isinstance(value, type):
            lines.append(f"netlab.{signature(name, value)}")
    classes = {netlab.Run: None, netlab.DetectorRun: None, **dict.fromkeys(RESULTS)}
    for made in sorted(classes, key=lambda each: each.__name__):
        lines += ["", class_line(made), *(f"    {line}" for _, line in members(made))]
    return "\n".join(lines) + "\n"


def class_line(made: type) -> str:
    """``class netlab.Run``; without ``netlab.`` where it has no name there."""
    public = "netlab." if made.__name__ in netlab.__all__ else ""
    bases = ", ".join(base.__name__ for base in made.__bases__ if base is not object)
    return f"class {public}{made.__name__}{f'({bases})' if bases else ''}"


def members(made: type) -> list[tuple[Any, str]]:
    """The public attributes, properties and methods of a class itself: the object and its line."""
    found: list[tuple[Any, str]] = [
        (None, f"{name}: {annotation}")
        for name, annotation in sorted(inspect.get_annotations(made).items())
        if not name.startswith("_")
    ]
    for name, value in sorted(vars(made).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(value, property):
            returned = inspect.signature(value.fget).return_annotation if value.fget else "Any"
            found.append((value, f"{name}: {returned}"))
        elif isinstance(value, FunctionType) and (name != "__init__" or made is netlab.Table):
            found.append((value, signature(name, value)))
    return found


def signature(name: str, function: Any, *, broken: bool = False) -> str:
    """``name(parameters) -> what``, with annotations as they are written; ``broken``: a parameter a line."""
    found = inspect.signature(function)
    pieces: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not any(piece.startswith("*") for piece in pieces):
            pieces.append("*")
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        pieces.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    line = f"{name}({', '.join(pieces)}) -> {found.return_annotation}"
    if not broken or len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {piece},\n" for piece in pieces) + f") -> {found.return_annotation}"


def page() -> str:
    """``docs/api.md``."""
    sections = [INTRODUCTION]
    for title, names in GROUPS.items():
        sections.append(f"## {title}\n")
        sections += [entry(getattr(netlab, name)) for name in names]
    sections.append("## What the calls give\n")
    sections += [entry(made) for made in RESULTS]
    return "\n".join(sections)


def entry(value: Any) -> str:
    """A function or a class with its members."""
    if not isinstance(value, type):
        code = f"netlab.{signature(value.__name__, value, broken=True)}"
        return f"### `{value.__name__}`\n\n```python\n{code}\n```\n\n{markdown(value)}\n"
    parts = [f"### `{value.__name__}`\n\n{markdown(value)}\n"]
    for member, line in members(value):
        if member is None or line.startswith("__init__"):
            continue
        text = markdown(member)
        if isinstance(member, property):
            parts.append(f"**`{line}`** {text}\n")
        else:
            code = signature(member.__name__, member, broken=True)
            parts.append(f"```python\n.{code}\n```\n\n{text}\n")
    return "\n".join(parts)


def markdown(value: Any) -> str:
    """A docstring as Markdown: sections as lists, examples as code."""
    lines: list[str] = []
    in_code = in_list = False
    for line in (inspect.getdoc(value) or "").replace("``", "`").splitlines():
        stripped = line.strip()
        example = line.startswith((">>>", "...")) or (in_code and stripped)
        if bool(example) != in_code:
            lines.append("```python" if example else "```")
            in_code = bool(example)
        if in_code:
            lines.append(line)
        elif stripped in ("Args:", "Returns:", "Raises:"):
            in_list = stripped != "Returns:"
            lines += [f"**{stripped}**", ""]
        elif in_list and re.match(r" {4}\S", line) and ":" in line:
            names, _, text = stripped.partition(":")
            lines.append(f"- `{names}`:{text}")
        elif line.startswith("    "):
            lines.append(f"  {stripped}" if in_list else stripped)
        else:
            in_list = in_list and not stripped
            lines.append(line)
    return "\n".join([*lines, "```"] if in_code else lines).strip()


FILES = {DOCS / "api.md": page, DOCS / "api-surface.txt": surface}


def stale_files() -> list[Path]:
    """The files that differ from the code."""
    return [
        path
        for path, make in FILES.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != make()
    ]


def write_files() -> list[Path]:
    """Write them anew, and say which."""
    stale = stale_files()
    for path in stale:
        path.write_text(FILES[path](), encoding="utf-8")
    return stale
