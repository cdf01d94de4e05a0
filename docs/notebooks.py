"""Executes the notebooks of ``examples/notebooks`` in this process, with no kernel and no browser.

    python docs/notebooks.py

writes their outputs anew (``make notebooks``); the tests execute them in an empty folder. A cell's output is
what it prints, what it hands to ``display``, and its last expression, as Jupyter would keep them.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = EXAMPLES / "notebooks"
FORMATS = {"text/html": "_repr_html_", "image/png": "_repr_png_"}


@contextlib.contextmanager
def beside_the_examples(folder: Path) -> Iterator[None]:
    """Be in a copy of ``examples/notebooks`` within ``folder``, with the scripts of ``examples`` above it."""
    here, path = Path.cwd(), list(sys.path)
    place = folder / "examples" / "notebooks"
    place.mkdir(parents=True, exist_ok=True)
    for script in EXAMPLES.glob("*.py"):
        shutil.copy(script, place.parent)
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(here)
        sys.path[:] = path


def execute(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The notebook with the outputs that its cells have when they are run in order within ``folder``."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    with beside_the_examples(folder):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                outputs = run_cell("".join(cell["source"]), names, count)
                cell = {**cell, "execution_count": count, "outputs": outputs}
            cells.append(cell)
    return {**notebook, "cells": cells}


def run_cell(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The outputs of one cell; what it raises is raised."""
    outputs: list[dict[str, Any]] = []
    names["display"] = lambda *values: outputs.extend(
        {"output_type": "display_data", "data": shown(value), "metadata": {}} for value in values
    )
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        result = {"output_type": "execute_result", "data": shown(value), "metadata": {}}
        outputs.append({**result, "execution_count": count})
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """A value as Jupyter would show it, by MIME type."""
    data: dict[str, Any] = {}
    for kind, method in FORMATS.items():
        content = getattr(value, method)() if hasattr(value, method) else None
        if content is not None:
            is_bytes = isinstance(content, bytes)
            data[kind] = base64.b64encode(content).decode() if is_bytes else content.splitlines(keepends=True)
    return {**data, "text/plain": repr(value).splitlines(keepends=True)}


def main() -> None:
    """Execute every notebook and keep its outputs."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(json.loads(path.read_text(encoding="utf-8")), Path(folder))
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(EXAMPLES.parent))


if __name__ == "__main__":
    main()
