"""An installed wheel finds its parts, and what it asks for is what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The import name of a requirement, where it is another.
IMPORT_NAMES = {
    "opencv-contrib-python": "cv2",
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "faster-coco-eval": "faster_coco_eval",
    "tomli-w": "tomli_w",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    code = (
        f"from hatchling.builders.wheel import WheelBuilder as B; [*B('.').build(directory={str(folder)!r})]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_alone_finds_its_parts_and_trains(wheel: Path, tmp_path: Path) -> None:
    """Unpacked away from the source tree: what pip installs, seen by an interpreter of its own."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from netlab.cli.app import main; main()"
    words = ["run", "--block", "grouped", "--data.size", "24", "--width", "4", "--epochs", "1", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(site), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
    where = "import sys; sys.path.insert(0, sys.argv[1]); import netlab_builtin.blocks; print(netlab_builtin.blocks.__file__)"
    listed = subprocess.run(
        [sys.executable, "-c", where, str(site)], capture_output=True, text=True, check=True
    )
    assert str(site) in listed.stdout


def test_every_import_of_a_core_module_is_a_declared_dependency() -> None:
    """`pip install .` into a bare environment is enough: nothing is imported that is not required."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def import_name(requirement: str) -> str:
        name = requirement.split("[")[0]
        for mark in "<>=!~ ;":
            name = name.split(mark)[0]
        return IMPORT_NAMES.get(name, name).replace("-", "_")

    core = {import_name(requirement) for requirement in project["dependencies"]}
    optional = {import_name(r) for extra in project["optional-dependencies"].values() for r in extra}
    core.add("pydantic_core")  # a part of pydantic, which requires it
    own = {"netlab", *(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())}
    found: dict[str, str] = {}
    for folder in ("netlab", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names = [node.module]
                for name in names:
                    found.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    foreign = {n: where for n, where in found.items() if n not in sys.stdlib_module_names and n not in own}
    undeclared = {n: where for n, where in foreign.items() if n not in core and n not in optional}
    assert undeclared == {}
    at_top_level = {n: where for n, where in foreign.items() if n in optional - core}
    # What only an extra installs may be imported inside functions alone.
    for name, where in at_top_level.items():
        tree = ast.parse((ROOT / where).read_text())
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        assert all(name not in ast.unparse(node) for node in top), f"{where} imports {name} at module level"
