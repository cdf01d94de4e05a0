"""What a page shows: its commands with their output, its Python, the files that its reader writes.

Every block of a page is fenced, and its language says what it is:

=========  =====================================================================================
console    commands after ``$``, and what they print, which is compared (see ``promises.py``)
sh         commands, one a line, whose output is not shown
python     code that is run, all of a page in one namespace
toml       a file
text       neither
=========  =====================================================================================

A block that follows a file's name (```src/mine.py`:``) is a file that the reader writes. HTML comments,
which a reader does not see, stand on lines of their own before a block and say what the test needs:

``<!-- given: photos mine.npz -->``
    The reader has these: ``reader.py`` makes them.
``<!-- run with: --width 4 --epochs 1 -->``
    Every ``netlab run``, ``sweep`` and ``detect train`` of the block gets these flags too, to be quick. What
    the page shows from there on is compared in its words only.
``<!-- read NAME as: first -->``
    Where the page says NAME, the test says ``first``.
``<!-- not run, it downloads CIFAR-10: --data cifar10 -->``
    Commands of the block that hold ``--data cifar10`` (all, if nothing is named) are not run, and why; their
    arguments are still read by the command itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"`([\w./-]+/[\w./-]+|[\w-]+\.(?:py|toml|md))`:\s*$")
MARKS = re.compile(r"((?:^<!-- .* -->\n)+)\Z", re.MULTILINE)
MARK = re.compile(r"^<!-- (given|run with|read (?P<word>\S+) as|not run, (?P<why>[^:]+)): ?(?P<what>.*) -->$")
NOT_RUN_AT_ALL = re.compile(r"^<!-- not run, (?P<why>[^:]+) -->$")
GENERATED = re.compile(r"^<!-- generated: .*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("console", "sh", "python", "toml", "text")
TRAINS = re.compile(r"netlab (?:run|sweep|detect train)\b")


@dataclass(frozen=True)
class Marks:
    """What the comments before a block say."""

    given: tuple[str, ...] = ()
    flags: str = ""
    words: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # part of a command -> why it is not run

    def reworded(self, text: str) -> str:
        """A command or code with the words that the test has in other words' place."""
        for word, other in self.words.items():
            text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", other, text)
        return text

    def reason(self, line: str) -> str | None:
        """Why a command is not run; None if it is."""
        return next((why for part, why in self.reasons.items() if part in line), None)


@dataclass(frozen=True)
class Command:
    """A command as the page has it, and what the page says that it prints (None: it does not say)."""

    shown: str
    output: str | None
    marks: Marks

    @property
    def line(self) -> str:
        """The command as the test runs it."""
        line = self.shown.partition(" #")[0].rstrip() if " #" in self.shown else self.shown
        line = self.marks.reworded(line)
        if self.marks.flags and TRAINS.search(line):
            line = re.sub(r"(?= \|\||$)", f" {self.marks.flags}", line, count=1)
        return line

    @property
    def as_shown(self) -> bool:
        """Whether the test runs what the page says, so that figures can be compared too."""
        return not (self.marks.flags and TRAINS.search(self.shown))

    @property
    def reason(self) -> str | None:
        """Why it is not run; None if it is."""
        return self.marks.reason(self.shown)


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    place: str
    text: str


@dataclass(frozen=True)
class Code:
    """A block of Python, or of TOML that belongs into no file that is named."""

    language: str
    text: str
    marks: Marks

    @property
    def reason(self) -> str | None:
        return self.marks.reason(self.text)


Step = Command | File | Code


def read_marks(before: str) -> Marks:
    """The comments at the end of the text before a block."""
    found = MARKS.search(before)
    given: tuple[str, ...] = ()
    flags, words, reasons = "", {}, {}
    for line in found[1].splitlines() if found else ():
        if every := NOT_RUN_AT_ALL.match(line):
            reasons[""] = every["why"]
        elif mark := MARK.match(line):
            if mark["why"]:
                reasons[mark["what"]] = mark["why"]
            elif mark["word"]:
                words[mark["word"]] = mark["what"]
            elif mark[1] == "given":
                given += tuple(mark["what"].split())
            else:
                flags = mark["what"]
    return Marks(given, flags, words, reasons)


def steps(page: Path) -> Iterator[Step]:
    """Everything that a page tells its reader to type and to write, in order; not what is generated."""
    text = GENERATED.sub("", page.read_text(encoding="utf-8"))
    for match in FENCE.finditer(text):
        language, body = match.groups()
        before = text[: match.start()]
        marks = read_marks(before)
        if (place := PLACE.search(MARKS.sub("", before))) is not None:
            yield File(place[1], body)
        elif language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield Command(line, output, marks)
        elif language == "sh":
            for line in body.replace("\\\n", " ").splitlines():
                if line.strip():
                    yield Command(line.strip(), None, marks)
        elif language in ("python", "toml"):
            yield Code(language, body, marks)


def odd_blocks(page: Path) -> list[str]:
    """The first lines of blocks whose language says nothing, and of code that is only indented."""
    text = page.read_text(encoding="utf-8")
    odd = [f"```{match[1]}" for match in FENCE.finditer(text) if match[1] not in LANGUAGES]
    outside = FENCE.sub("", text)
    return odd + re.findall(r"(?<=\n\n)    \S.*", outside)
