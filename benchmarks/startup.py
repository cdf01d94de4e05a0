"""How long netlab takes to start, in CPU seconds, against ``import typer, rich``; with 0 and 50 plugins.

    python benchmarks/startup.py

Each command twice: as people call it, answered from what was kept, and with nothing kept
(``NETLAB_PLUGIN_CACHE=0``), where other people's plugins are imported in a process of their own. Beside them the
least that Typer allows: a program of one command with one option, called, and its ``--help`` (Typer converts
options with pydantic, and draws help with rich's Markdown).
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from netlab.testing.distributions import write_distribution

REPEATS = 9
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
    "python -c pass": ["-c", "pass"],
    "a bare Typer command": ["-c", BARE % []],
    "a bare Typer command --help": ["-c", BARE % ["--help"]],
}
COMMANDS = ("--help", "plugins list", "run --block grouped --help", "metrics --list", "completion")
COMPLETION = {"_NETLAB_COMPLETE": "complete_bash", "COMP_WORDS": "netlab run --block gr", "COMP_CWORD": "3"}
CODE = """
from netlab.specs import ComponentSpec, hookimpl

@hookimpl
def netlab_components():
    yield ComponentSpec("block", "extra-{n}", "One of many", "many_{n}:Block")
"""


def cpu_seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """User and system time of one child process, and of those that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"COLUMNS": "80"} | environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_plugins(folder: Path) -> None:
    """Many small distributions, as installed."""
    for n in range(PLUGINS):
        (folder / f"many_{n}.py").write_text(CODE.format(n=n))
        write_distribution(folder, f"many-{n}", "1.0", {"netlab.v1": {f"many-{n}": f"many_{n}"}})


def cases(site: str, cache: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What is called, and with which variables, by name."""
    found: dict[str, tuple[list[str], dict[str, str]]] = {"import typer, rich": (BASELINE, {})}
    found |= {name: (arguments, {}) for name, arguments in FLOORS.items()}
    for command in COMMANDS:
        words = [] if command == "completion" else command.split()
        asked = COMPLETION if command == "completion" else {}
        call = ["-m", "netlab", *words]
        found[command] = (call, {**asked, "NETLAB_CACHE": cache})
        found[f"{command}, {PLUGINS} plugins"] = (call, {**asked, "NETLAB_CACHE": cache, "PYTHONPATH": site})
        found[f"{command}, nothing kept"] = (call, {**asked, "NETLAB_PLUGIN_CACHE": "0"})
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as site, tempfile.TemporaryDirectory() as cache:
        write_plugins(Path(site))
        time.sleep(2)  # what changed a moment ago is not relied on
        called = cases(site, cache)
        # Turn by turn, so that a busy moment of the machine hits every case.
        times: dict[str, list[float]] = {name: [] for name in called}
        for repeat in range(REPEATS + 2):
            for name, (arguments, environment) in called.items():
                seconds = cpu_seconds(arguments, environment)
                if repeat > 1:  # the first round writes .pyc files, and the first two keep answers
                    times[name].append(seconds)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"CPU milliseconds of {REPEATS} calls: least and median, and their ratios to import typer, rich")
    least = min(times["import typer, rich"])
    median = statistics.median(times["import typer, rich"])
    for name, values in times.items():
        low, middle = min(values), statistics.median(values)
        print(f"{1000 * low:7.0f} {1000 * middle:7.0f}   {low / least:5.2f} {middle / median:5.2f}   {name}")


if __name__ == "__main__":
    main()
