"""``docs/architecture.md`` names only what exists: files, folders, modules, functions and pages."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.specs import ENTRY_POINT_GROUP

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()
SOURCES = ("netlab/", "plugins/", "tests/", "docs/")


def tree() -> Iterator[str]:
    """The paths of the page's first block: what is indented lies in each folder of the line above."""
    above: list[tuple[int, list[str]]] = []
    for line in PAGE.split("```")[1].strip("\n").splitlines():
        indent = len(line) - len(line.lstrip())
        above = [(depth, folders) for depth, folders in above if depth < indent]
        folders = above[-1][1] if above else [""]
        names = re.split(r"\s{2,}", line.strip())[0].split()
        below = [folder + name for folder in folders for name in names]
        yield from below
        above.append((indent, below))


def paths() -> set[str]:
    """Every path in back quotes, without the function that may follow it."""
    quoted = {text.partition(":")[0] for text in re.findall(r"`([^`\s]+)`", PAGE)}
    return {text for text in quoted if text.startswith(SOURCES)}


def functions() -> list[tuple[str, str]]:
    """Every ``path:function`` of the page."""
    return re.findall(r"`([\w/]+\.py):([\w.]+)`", PAGE)


def modules() -> set[str]:
    return set(re.findall(r"`(netlab(?:_builtin)?(?:\.\w+)+)`", PAGE)) - {ENTRY_POINT_GROUP}


def defined(path: str) -> set[str]:
    """The dotted names of all classes and functions of a file, nested ones too."""

    def names(node: ast.AST, above: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            name = above
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = f"{above}{child.name}."
                yield name.removesuffix(".")
            yield from names(child, name)

    return set(names(ast.parse((ROOT / path).read_text()), ""))


def test_the_tree_and_the_paths_exist() -> None:
    named = {*tree(), *paths()}
    assert len(named) > 70
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_tree_has_every_room() -> None:
    rooms = {
        f"{path.relative_to(ROOT)}/"
        for source in ("netlab", "plugins/netlab_builtin")
        for path in (ROOT / source).iterdir()
        if (path / "__init__.py").is_file()
    }
    assert sorted(rooms - set(tree())) == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_the_modules_exist(name: str) -> None:
    """A module, or a name that the last module on the way says."""
    place, parts = ROOT, name.split(".")
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if parts and (place / f"{parts[0]}.py").is_file():
        place /= f"{parts.pop(0)}.py"
    text = (place / "__init__.py" if place.is_dir() else place).read_text()
    assert all(re.search(rf"\b{part}\b", text) for part in parts), f"{place} says nothing of {parts}"


def test_the_walks_go_through_functions_that_exist() -> None:
    assert len(functions()) > 40
    missing = [f"{path}:{name}" for path, name in functions() if name not in defined(path)]
    assert missing == []


def test_the_layers_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c.get("containers") == ["netlab"])
    shown = " ".join(PAGE.split("```")[3].split())
    assert shown == " > ".join(layers)


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
