"""Reads what a page tells its reader to type and to write, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .conftest import Environment

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"`([\w./-]+/[\w./-]+|[\w-]+\.(?:py|toml|md))`:\s*$")


@dataclass(frozen=True)
class Command:
    """A command, and what the page says that it prints; ``...`` stands for anything."""

    line: str
    output: str


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    place: str
    text: str


def steps(page: Path) -> Iterator[Command | File]:
    """Every command of the ``console`` blocks, and every other block that follows a file's name."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        language, body = match.groups()
        if language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield Command(line, output)
        elif (place := PLACE.search(text[: match.start()])) is not None:
            yield File(place[1], body)


def follow(page: Path, environment: Environment, folder: Path) -> int:
    """Do what the page says, in ``folder``, and check what it promises; how many steps there were."""
    state = environment.folder / "where"
    state.write_text(str(folder))
    done = list(steps(page))
    for step in done:
        here = Path(state.read_text().strip())
        if isinstance(step, File):
            (here / step.place).parent.mkdir(parents=True, exist_ok=True)
            (here / step.place).write_text(step.text, encoding="utf-8")
            continue
        ran = environment.run(
            shell=f"exec 2>&1; {step.line}\nstatus=$?; pwd > {state}; exit $status", cwd=here
        )
        assert ran.returncode == 0, f"$ {step.line}\n{ran.stdout}"
        expected = f"$ {step.line}\n{ran.stdout}\nexpected\n{step.output}"
        assert keeps_promise(ran.stdout, step.output), expected
    return len(done)


def keeps_promise(output: str, shown: str) -> bool:
    """Whether a command printed what a page shows: white space is free, ``...`` stands for anything."""
    pieces = [re.escape(" ".join(piece.split())) for piece in shown.split("...")]
    return re.fullmatch(" ?.* ?".join(pieces), " ".join(output.split())) is not None
