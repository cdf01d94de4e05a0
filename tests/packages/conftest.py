"""A fresh environment for packages of plugins: it sees what is installed here, and adds to it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = ("pip", "pytest", "netlab")


@dataclass(frozen=True)
class Environment:
    """A virtual environment layered over the one that runs the tests."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(
        self, *words: object, cwd: Path | None = None, shell: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m WORDS``, or a line of ``shell``, as someone who activated the environment."""
        command = ["bash", "-c", shell] if shell else [str(self.python), "-m", *map(str, words)]
        return subprocess.run(
            command, cwd=cwd or self.folder, env=self.variables() | variables,
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        """The environment variables: no package index, and nothing of the person who runs the tests."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("NETLAB_", "PYTEST_"))
        }
        return kept | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # which pip reads as 'no isolation'
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "80",
        }

    def install(self, *packages: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Install packages with all that they ask for."""
        return self.run("pip", "install", "--quiet", *packages, **variables)


def make_environment(folder: Path) -> Environment:
    """Make an environment whose own packages come before those of this interpreter."""
    if os.name == "nt":
        pytest.skip("the environment's scripts are for a POSIX shell")
    for module in ("pip", "hatchling"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"'{module}' is not installed: packages can not be built")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    below = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    # A line of a .pth file that begins with import is run; addsitedir reads editable installs too.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in below]
    (site / "below.pth").write_text("".join(lines))
    for name in SCRIPTS:
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {name} "$@"\n')
        script.chmod(0o755)
    return Environment(folder)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment of the test's own."""
    return make_environment(tmp_path / "environment")


def expect_success(done: subprocess.CompletedProcess[str]) -> str:
    """What a command printed, if it succeeded."""
    assert done.returncode == 0, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done.stdout
