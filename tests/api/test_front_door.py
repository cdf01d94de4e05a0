"""``import netlab`` gives its public names, loads nothing heavy for them, and only they are taught."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import netlab

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))

HEAVY = {
    "torch",
    "torchvision",
    "cv2",
    "sklearn",
    "scipy",
    "numpy",
    "matplotlib",
    "pydantic",
    "pluggy",
    "rich",
}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after ``code``."""
    probe = f"{code}\nimport json, sys; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_netlab_loads_nothing_but_the_standard_library() -> None:
    assert not HEAVY & modules_after("import netlab; dir(netlab)")


def test_what_needs_no_network_loads_no_pytorch() -> None:
    code = "import netlab; netlab.parts(); netlab.list_runs('nowhere'); netlab.errors.NetlabError"
    assert not {"torch", "torchvision", "cv2"} & modules_after(code)


def test_a_star_import_gives_every_public_name() -> None:
    names: dict[str, object] = {}
    exec("from netlab import *", names)
    assert set(netlab.__all__) <= names.keys()
    assert set(netlab.__all__) <= set(dir(netlab))
    assert sorted(netlab.__all__, key=str) == netlab.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = netlab.trian  # type: ignore[attr-defined]


def test_public_names_and_signatures_are_those_of_the_listing() -> None:
    import api_pages

    assert api_pages.stale_files() == [], "make docs writes docs/api.md and docs/api-surface.txt anew"
    names = [name for group in api_pages.GROUPS.values() for name in group]
    assert {*names, *(made.__name__ for made in api_pages.RESULTS)} >= set(netlab.__all__)


def test_every_public_name_and_method_has_a_docstring_with_its_errors() -> None:
    import api_pages

    for name in netlab.__all__:
        assert inspect.getdoc(getattr(netlab, name)), name
    for made in (netlab.Run, netlab.DetectorRun, *api_pages.RESULTS):
        for member, line in api_pages.members(made):
            assert member is None or inspect.getdoc(member), f"{made.__name__}.{line}"


def examples() -> Iterator[doctest.DocTest]:
    """The examples in the docstrings of public functions, classes and methods."""
    import api_pages

    finder = doctest.DocTestFinder(recurse=False)
    values = [(name, getattr(netlab, name)) for name in netlab.__all__]
    values += [(made.__name__, made) for made in api_pages.RESULTS]
    for name, value in dict(values).items():
        yield from finder.find(value, name)
        if isinstance(value, type):
            for member, line in api_pages.members(value):
                if inspect.isfunction(member):
                    yield from finder.find(member, f"{name}.{line.partition('(')[0]}")


@pytest.mark.parametrize(
    "example", [each for each in examples() if each.examples], ids=lambda each: each.name
)
def test_the_examples_of_the_docstrings_are_so(
    example: doctest.DocTest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.getbasetemp() / "examples"  # shared: the runs of one are the runs of all
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    if not Path("scenes").exists():
        monkeypatch.syspath_prepend(str(ROOT / "examples"))
        from make_voc_scenes import make_scenes

        make_scenes(Path("scenes"), train=4, val=2)
    example.globs = {"netlab": netlab, "torch": torch}
    shown: list[str] = []
    failed = (
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=shown.append).failed
    )
    assert not failed, "".join(shown)


PUBLIC = re.compile(r"netlab(\.(specs|kinds|testing|errors)(\.\w+)*)?")
IMPORT = re.compile(r"^\s*(?:from\s+(netlab[\w.]*)\s+import\s+(.*)|import\s+(netlab[\w.]*))")


def taught_code() -> Iterator[tuple[str, int, str]]:
    """(file, line, text) of every line of Python that README, pages, examples and notebooks show."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        in_python = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.lstrip().startswith("```"):
                in_python = line.strip() == "```python"
            elif in_python:
                yield str(path.relative_to(ROOT)), number, line.removeprefix(">>> ")
    for path in sorted((ROOT / "examples").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield str(path.relative_to(ROOT)), number, line
    for path in sorted((ROOT / "examples").rglob("*.ipynb")):
        for cell, content in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
            if content["cell_type"] == "code":
                for line in "".join(content["source"]).splitlines():
                    yield f"{path.relative_to(ROOT)}, cell {cell}", 0, line


def private_imports(lines: Iterator[tuple[str, int, str]]) -> list[str]:
    """The imports of what is not public, with their places."""
    found = []
    for place, number, line in lines:
        match = IMPORT.match(line)
        if match is None:
            continue
        module = match[1] or match[3]
        names = [name.strip().partition(" ")[0] for name in (match[2] or "").strip("() ").split(",") if name]
        allowed = {*netlab.__all__, "specs", "kinds", "testing", "errors"}
        if module.startswith("netlab_"):
            continue
        if not PUBLIC.fullmatch(module) or (module == "netlab" and match[1] and not {*names} <= allowed):
            found.append(f"{place}:{number}: {line.strip()}")
    return found


def test_pages_examples_and_notebooks_import_only_what_is_public() -> None:
    assert private_imports(taught_code()) == []


@pytest.mark.parametrize(
    "line",
    [
        "from netlab.separability import FeatureSpace",
        "    import netlab.engine.catalog",
        "from netlab import engine",
        "from netlab.specs_of_mine import x",
    ],
)
def test_an_import_of_what_is_not_public_is_found(line: str) -> None:
    assert private_imports(iter([("page.md", 7, line)])) == [f"page.md:7: {line.strip()}"]
    assert private_imports(iter([("page.md", 7, "from netlab.kinds.metric import MetricResult")])) == []
    assert private_imports(iter([("page.md", 7, "from netlab import Run, si_score")])) == []
