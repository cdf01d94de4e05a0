"""Where a target is written and what its docstring says, without importing anything of it."""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

from netlab.specs import split_target


def source_file(target: str) -> str | None:
    """The file of a target's module; None where there is none. No package above it is imported either."""
    module, _ = split_target(target)
    folders, found = None, None
    for position in range(len(names := module.split("."))):
        found = find_module(".".join(names[: position + 1]), folders)
        if found is None:
            return None
        folders = found.submodule_search_locations
    return None if found is None else found.origin


def find_module(name: str, folders: list[str] | None) -> ModuleSpec | None:
    """The module ``name``, whose package lies in ``folders``: as Python would find it."""
    for finder in sys.meta_path:
        found = finder.find_spec(name, folders)
        if found is not None:
            return found
    return None


def docstring(target: str) -> str | None:
    """The docstring of a function or class as written; None where only running the module would tell."""
    path = source_file(target)
    if path is None or not path.endswith(".py"):
        return None
    try:
        body = ast.parse(Path(path).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return None
    node: ast.AST | None = None
    for name in split_target(target)[1].split("."):
        named = [n for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name == name]
        if not named:
            return None
        node, body = named[-1], named[-1].body
    return ast.get_docstring(node) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else None
