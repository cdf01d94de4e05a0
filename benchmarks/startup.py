"""How long netlab takes to start, in CPU seconds, against ``import typer, rich``; with 0 and 50 plugins.

    python benchmarks/startup.py

Beside them the least that Typer allows: a program of one command with one option, called, and its
``--help`` (Typer converts options with pydantic, and draws help with rich's Markdown).
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from netlab.testing.distributions import write_distribution

REPEATS = 7
PLUGINS = 50
BASELINE = ["-c", "import typer, rich"]
BARE = """
import typer
app = typer.Typer()
@app.command()
def bare(paths: int = 4) -> None: "A command."
app(%r)
"""
FLOORS = {
    "a bare Typer command": ["-c", BARE % []],
    "a bare Typer command --help": ["-c", BARE % ["--help"]],
}
COMMANDS = {
    "netlab --help": ["-m", "netlab", "--help"],
    "netlab plugins list": ["-m", "netlab", "plugins", "list"],
    "netlab run --block grouped --help": ["-m", "netlab", "run", "--block", "grouped", "--help"],
}
CODE = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "extra-{n}", "One of many", "many_{n}:Block")
"""


def cpu_seconds(arguments: list[str], path: str) -> float:
    """User and system time of one child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for n in range(PLUGINS):
            (Path(folder) / f"many_{n}.py").write_text(CODE.format(n=n))
            write_distribution(Path(folder), f"many-{n}", "1.0", {"netlab.v1": {f"many-{n}": f"many_{n}"}})
        cases = {"import typer, rich": (BASELINE, "")}
        cases |= {name: (arguments, "") for name, arguments in FLOORS.items()}
        for name, arguments in COMMANDS.items():
            cases[name] = (arguments, "")
            cases[f"{name}, {PLUGINS} plugins"] = (arguments, folder)
        # Turn by turn, so that a busy moment of the machine hits every case.
        times: dict[str, list[float]] = {name: [] for name in cases}
        for repeat in range(REPEATS + 1):
            for name, (arguments, path) in cases.items():
                seconds = cpu_seconds(arguments, path)
                if repeat:  # the first round writes .pyc files
                    times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"CPU seconds, median of {REPEATS}")
    for name, seconds in medians.items():
        print(f"{1000 * seconds:7.0f} ms  {seconds / medians['import typer, rich']:5.2f} x  {name}")
    for name in COMMANDS:
        extra = medians[f"{name}, {PLUGINS} plugins"] - medians[name]
        print(f"{1000 * extra / PLUGINS:7.2f} ms a plugin more: {name}")


if __name__ == "__main__":
    main()
