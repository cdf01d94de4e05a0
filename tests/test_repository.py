"""What the repository holds: no large files, actions that nobody can change, decisions that can be found."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 500 * 1024  # bytes, as in .pre-commit-config.yaml
MAY_BE_LARGER: dict[str, int] = {}  # path -> bytes, with the reason beside it

DECISIONS = sorted(path for path in (ROOT / "docs/decisions").glob("*.md") if path.name != "README.md")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_is_large(tracked: list[Path]) -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked}
    limits = dict.fromkeys(sizes, LARGEST) | MAY_BE_LARGER
    assert {name: size for name, size in sizes.items() if size > limits[name]} == {}
    assert MAY_BE_LARGER.keys() <= sizes.keys(), "an exception whose file is gone"


def test_nothing_that_was_built_is_tracked(tracked: list[Path]) -> None:
    built = {".whl", ".gz", ".zip", ".pyc", ".so", ".egg", ".safetensors", ".pt", ".pth", ".pkl"}
    assert [path for path in tracked if path.suffix in built] == []


def test_a_hook_before_a_commit_has_the_same_limit() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    assert f"--maxkb={LARGEST // 1024}" in config


def test_continuous_integration_runs_only_actions_that_nobody_can_change() -> None:
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    used = re.findall(r"uses: *(.*)", workflow)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+)+", action), action
    assert re.search(r"^permissions:\n  contents: read$", workflow, re.MULTILINE)
    assert "run: .ci/run" in workflow


def test_continuous_integration_runs_the_oldest_python_that_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert f'python: ["{oldest}",' in (ROOT / ".github/workflows/test.yml").read_text()


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_says_why_what_and_what_follows(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) < 25


def test_the_index_of_decisions_has_each_by_its_title() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    entries = []
    for path in DECISIONS:
        number, title = re.match(r"# (\d+)\. (.*)", path.read_text()).groups()  # type: ignore[union-attr]
        assert path.name.startswith(f"{int(number):02}-")
        entries.append(f"{number}. [{title}]({path.name})")
    assert [line for line in index.splitlines() if re.match(r"\d+\. ", line)] == entries
    assert len(entries) == len(set(entries)) >= 10
