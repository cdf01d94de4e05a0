"""Where the command starts: what only lists or explains is answered from what was kept, before all imports.

``--help``, ``plugins list``, ``metrics --list`` and completions say the same until a file changes that they
were made from. Their output is kept with its trace (``netlab.engine.kept``) under all else that shapes
it: the words, the folder, the environment, Python and the terminal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would take as long as an answer
if TYPE_CHECKING:
    from typing import Any, TextIO

COMPLETING = "_NETLAB_COMPLETE"  # the environment variable by which a shell asks for completions
ASKING = frozenset({"--help", "-h", "--list"})
SETTING = ("--install-completion", "--show-completion")  # they look at the user's shell, and change its files
# What shells and terminals count up; all other variables may shape a help text.
COUNTED = frozenset(
    "_ OLDPWD SHLVL WINDOWID TERM_SESSION_ID SSH_CLIENT SSH_CONNECTION SSH_TTY GPG_TTY XDG_SESSION_ID".split()
)


def main() -> None:
    """Run netlab and exit: see ``netlab.cli.app.main``."""
    words = sys.argv[1:]
    try:
        if is_question(words):
            sys.exit(answer(words))
        from netlab.cli.app import run

        sys.exit(run().exit_code)
    except KeyboardInterrupt:  # in the first seconds, while modules are imported
        sys.stderr.write("netlab: interrupted\n")
        sys.exit(130)


def is_question(words: list[str]) -> bool:
    """Whether the words seem to ask only for what netlab knows; whether they did is seen afterwards."""
    if os.name != "posix" or os.environ.get("NETLAB_PLUGIN_CACHE") == "0" or not (sys.stdout and sys.stderr):
        return False
    if any(word.startswith(SETTING) for word in words):
        return False
    asks = not words or not ASKING.isdisjoint(words) or words[:2] == ["plugins", "list"]
    return asks or COMPLETING in os.environ


def answer(words: list[str]) -> int:
    """Answer as before, or run netlab and keep what it says; gives the exit code."""
    from netlab.engine import kept

    key = {"words": words, "question": digest_of(words)}
    known = kept.kept("answers", key)
    if isinstance(known, dict) and isinstance(known.get("text"), str) and known.get("code") in (0, 2):
        sys.stdout.buffer.write(known["text"].encode("utf-8", "surrogateescape"))
        sys.stdout.flush()
        return int(known["code"])
    recording = kept.Recording()
    # A word, or the value in it, may be a file.
    kept.depend_on(path for word in words for path in (word, word.partition("=")[2]) if path)
    with Heard() as heard:
        from netlab.cli.app import run

        session = run()
    trace = recording.stop()
    if session.only_shows and session.exit_code in (0, 2) and heard.text and not heard.complaints:
        value = {"text": heard.text.decode("utf-8", "surrogateescape"), "code": session.exit_code}
        kept.keep("answers", key, value, trace, recording.since)
    return session.exit_code


def digest_of(words: list[str]) -> str:
    """A digest of everything but files that shapes what netlab says: variables may hold secrets."""
    import hashlib
    import json

    terminal = [
        [stream.isatty(), size_of(number), stream.encoding, stream.errors] if stream else None
        for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr))
    ]
    variables = sorted((name, value) for name, value in os.environ.items() if name not in COUNTED)
    python = [sys.version, sys.executable, str(sys.flags), sys.warnoptions, str(sys._xoptions), sys.path]
    parts = [words, os.getcwd(), variables, python, terminal]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def size_of(descriptor: int) -> list[int] | None:
    """Columns and lines of a terminal; None for what is none."""
    try:
        return list(os.get_terminal_size(descriptor))
    except OSError:
        return None


class Heard:
    """While it is entered, what goes to standard output and standard error is heard, and passed on."""

    def __enter__(self) -> Heard:
        self._streams = sys.stdout, sys.stderr
        sys.stdout, self._text = overheard(sys.stdout)
        sys.stderr, self._complaints = overheard(sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = self._streams

    @property
    def text(self) -> bytes:
        return bytes(self._text)

    @property
    def complaints(self) -> bytes:
        return bytes(self._complaints)


def overheard(stream: Any) -> tuple[TextIO, bytearray]:
    """A stream that writes to another one, and the bytes that went through it."""
    import io

    said = bytearray()

    class Passing(io.BufferedIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            said.extend(data)
            written: int = stream.buffer.write(data)
            return written

        def flush(self) -> None:
            stream.buffer.flush()

        def fileno(self) -> int:
            number: int = stream.fileno()
            return number

        def isatty(self) -> bool:
            return bool(stream.isatty())

    passing: Any = Passing()
    text = io.TextIOWrapper(
        passing, encoding=stream.encoding, errors=stream.errors, line_buffering=stream.line_buffering
    )
    return text, said
