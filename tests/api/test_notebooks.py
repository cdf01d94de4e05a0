"""The notebooks run from top to bottom, and what they show is what they gave."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
LARGEST_OUTPUT = 100_000  # bytes


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def kinds_of_output(cell: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What sort of outputs a cell has: figures vary from machine to machine."""
    return [(output["output_type"], sorted(output.get("data", ()))) for output in cell["outputs"]]


def test_there_are_two() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["assemble-train-measure", "detect"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_of_this_code(path: Path, tmp_path: Path) -> None:
    import notebooks

    stored = json.loads(path.read_text(encoding="utf-8"))
    executed = notebooks.execute(stored, tmp_path)
    for before, after in zip(code_cells(stored), code_cells(executed), strict=True):
        assert kinds_of_output(before) == kinds_of_output(after), "make notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_in_order_and_small(path: Path) -> None:
    cells = code_cells(json.loads(path.read_text(encoding="utf-8")))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell["outputs"]:
            assert len(json.dumps(output)) <= LARGEST_OUTPUT, "".join(cell["source"])
            assert output["output_type"] != "error"
