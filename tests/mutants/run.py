"""Break the code line by line, and see whether the tests notice: mutmut, one room at a time.

    python tests/mutants/run.py [ROOM ...] [--sample N] [--seed S] [--again]

The rooms, their files and the tests that must notice are in ``pyproject.toml``, ``[tool.mutants]``. Mutants
that are accepted to survive are in ``survivors.toml`` beside this file, with a reason. Exits with 1 when a
room kills less than its share, or a survivor is not accepted.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import itertools
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process that has started threads does not fork well

import hypothesis
import libcst
from hypothesis import Phase
from mutmut import __main__ as mutmut
from mutmut import configuration
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import read_functions_from_index
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"  # mutmut's own folder: a copy of the code with all mutants in it
LOG = MUTANTS / "mutmut.log"
UNNOTICED = ("survived", "no tests")


def main() -> int:
    os.chdir(ROOT)
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutants"]
    arguments = read_arguments(list(settings["rooms"]))
    if len(arguments.rooms) != 1:
        # mutmut keeps its settings in the process: one process a room.
        options = [word for word in sys.argv[1:] if word not in arguments.rooms]
        rooms = arguments.rooms or list(settings["rooms"])
        codes = [subprocess.run([sys.executable, __file__, room, *options]).returncode for room in rooms]
        return max(codes)
    (room,) = arguments.rooms
    configure(settings["rooms"][room])
    if not arguments.again:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    names = choose(arguments)
    print(f"{room}: {len(names)} mutants; progress is in {LOG.relative_to(ROOT)}", flush=True)
    if names:
        run_mutmut(names)
    return report(room, settings["killed"])


def read_arguments(rooms: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Break the code line by line, and see whether the tests notice."
    )
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"{', '.join(rooms)}; all if none is named")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants of each room")
    parser.add_argument("--seed", type=int, default=0, help="which N (0)")
    parser.add_argument("--again", action="store_true", help="only those that no test noticed the last time")
    arguments = parser.parse_args()
    for room in arguments.rooms:
        if room not in rooms:
            parser.error(f"there is no room '{room}'; there are: {', '.join(rooms)}")
    return arguments


def configure(room: Mapping[str, Any]) -> None:
    """Mutate the files of the room and run its tests.

    Strings with a space are text for people, whose wording is free; other strings become another name, once.
    """
    configuration._config = dataclasses.replace(
        configuration.config(),
        only_mutate=list(room["files"]),
        pytest_add_cli_args_test_selection=list(room["tests"]),
    )

    def names_only(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
        if not (isinstance(node, libcst.SimpleString) and " " in node.value):
            yield from itertools.islice(operator_string(node), 1)

    # The first failure is enough: no smaller example is looked for.
    hypothesis.settings.register_profile(
        "mutants", phases=[Phase.explicit, Phase.generate], derandomize=True, deadline=None, database=None
    )
    hypothesis.settings.load_profile("mutants")

    mutation_operators[:] = [
        (kind, names_only if operator is operator_string else operator)
        for kind, operator in mutation_operators
    ]


def choose(arguments: argparse.Namespace) -> list[str]:
    """The names of the mutants to try."""
    mutmut.set_mutant_under_test("mutant_generation")
    MUTANTS.mkdir(exist_ok=True)
    with mutmut.CatchOutput():
        mutmut.copy_src_dir()
        mutmut.create_mutants(os.cpu_count() or 1)
    verdicts = {name: code for file in mutated_files() for name, code in file.exit_code_by_key.items()}
    names = [
        name
        for name, code in sorted(verdicts.items())
        if not arguments.again or code is None or status_by_exit_code[code] in UNNOTICED
    ]
    if arguments.sample is not None and arguments.sample < len(names):
        names = sorted(random.Random(arguments.seed).sample(names, arguments.sample))
    return names


def run_mutmut(names: list[str]) -> None:
    """Try the mutants; mutmut's lively output goes to a file."""
    pid = os.fork()  # what redirects mutmut's output must not outlive it
    if pid == 0:
        with LOG.open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            mutmut._run(names, os.cpu_count())
            sys.stdout.flush()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        raise SystemExit(f"mutmut failed: {LOG.read_text()[-3000:]}")


def mutated_files() -> list[SourceFileMutationData]:
    files = [SourceFileMutationData(path=path) for path in walk_mutatable_files()]
    for file in files:
        file.load()
    return files


def report(room: str, least: float) -> int:
    """Print killed and survived by file, and every survivor that is not accepted."""
    is_accepted = read_accepted()
    killed, total, unjudged = 0, 0, []
    print(f"\n{room}: killed of all, accepted survivors")
    for file in mutated_files():
        statuses = {
            name: status_by_exit_code[code]
            for name, code in file.exit_code_by_key.items()
            if code is not None
        }
        survivors = {name: change(name, file.path) for name in statuses if statuses[name] in UNNOTICED}
        known = {name for name, changed in survivors.items() if is_accepted(function_of(name), *changed)}
        unjudged += [(name, *survivors[name], statuses[name]) for name in survivors if name not in known]
        if statuses:
            dead = len(statuses) - len(survivors)
            print(
                f"  {file.path}: {dead} of {len(statuses)} ({dead / len(statuses):.0%}), {len(known)} accepted"
            )
            killed, total = killed + dead, total + len(statuses)
    for name, was, becomes, status in unjudged:
        print(f"\n{status}: {function_of(name)}  [{name}]\n  - {was}\n  + {becomes}")
    share = killed / max(total, 1)
    print(f"\n{room}: {killed} of {total} killed ({share:.1%}), {len(unjudged)} survivors not accepted")
    return 1 if unjudged or share < least else 0


def change(name: str, path: Path) -> tuple[str, str]:
    """The lines that a mutant changes, before and after."""
    functions = read_functions_from_index(name, path)
    if functions is None:
        raise SystemExit(f"{MUTANTS} is not of this code: run again without --again")
    before, after = (libcst.Module([function]).code.splitlines() for function in functions)
    difference = list(difflib.unified_diff(before, after, n=0))[3:]
    return tuple(  # type: ignore[return-value]
        " ".join(line[1:].strip() for line in difference if line.startswith(sign)) for sign in "-+"
    )


def function_of(name: str) -> str:
    """``netlab.detection.boxes.suppress`` of ``netlab.detection.boxes.x_suppress__mutmut_3``."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    return f"{module}.{mangled.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def read_accepted() -> Callable[[str, str, str], bool]:
    """Whether the survivor that makes ``becomes`` of the line ``was`` of a function is listed with a reason."""
    listed = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text())
    exact = {
        (entry["function"], entry["line"], becomes)
        for entry in listed["survivor"]
        for becomes in entry["becomes"]
    }
    everywhere = [(entry["part"], becomes) for entry in listed["everywhere"] for becomes in entry["becomes"]]

    def is_accepted(function: str, was: str, becomes: str) -> bool:
        return (function, was, becomes) in exact or any(
            part in was and was.replace(part, other) == becomes for part, other in everywhere
        )

    return is_accepted


if __name__ == "__main__":
    sys.exit(main())
