"""A reader who does what a page says, from an empty folder.

``netlab`` is called in this process, which spares a start of Python for every command. What a page installs
goes into an environment of its own, whose packages this process sees while it follows the page. Lines that
need a shell are given to one, in that environment.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import runpy
import shlex
import shutil
import site
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netlab.cli.app import main

from .conftest import Environment
from .pages import Code, Command, File, Step, steps
from .promises import keeps_promise
from .supplies import supply

ROOT = Path(__file__).parents[2]
NEEDS_SHELL = re.compile(r"[|;<>$&*`]|^(?!netlab )")
SHOW_CODE = ' || echo "exit code $?"'
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass
class Reader:
    """Follows one page in ``folder``; ``done`` counts what was ``run``, ``read`` only, and written.

    ``as_shown`` is false once something was trained in another way than the page says: then figures are free.
    """

    folder: Path
    make_environment: Callable[[], Environment]
    done: Counter[str] = field(default_factory=Counter)
    as_shown: bool = True
    _environment: Environment | None = None
    _names: dict[str, object] = field(default_factory=lambda: {"__name__": "__page__"})

    @property
    def environment(self) -> Environment:
        """The reader's environment, made when the page first needs it."""
        if self._environment is None:
            self._environment = self.make_environment()
        return self._environment

    def follow(self, page: Path) -> Counter[str]:
        """Do all that a page says, and check what it promises."""
        with self.at_home():
            if page.parent.parent.name == "examples":  # its README speaks to somebody in its folder
                shutil.copytree(page.parent, page.parent.name)
                os.chdir(page.parent.name)
            for step in steps(page):
                self.take(step)
        return self.done

    def take(self, step: Step) -> None:
        """Do one step of a page."""
        if isinstance(step, File):
            place = Path(step.place)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(step.text, encoding="utf-8")
            self.done["written"] += 1
            return
        for name in step.marks.given:
            supply(name, self._names)
        if isinstance(step, Code):
            self.take_code(step)
        elif step.reason is not None:
            self.read(step)
            self.done["read"] += 1
        else:
            self.run(step)
            self.done["run"] += 1

    def take_code(self, step: Code) -> None:
        """Run Python, or read TOML; what is not run is compiled."""
        if step.language == "toml":
            tomllib.loads(step.text)
            self.done["read"] += 1
        else:
            code = compile(step.marks.reworded(step.text), "page", "exec")
            if step.reason is None:
                exec(code, self._names)
            self.done["run" if step.reason is None else "read"] += 1

    def run(self, command: Command) -> None:
        """Run a command and compare what it prints with what the page shows."""
        line = command.line
        began = sum(os.times()[:4])
        if line.startswith("netlab ") and line.endswith(SHOW_CODE):
            code, output = self.in_process(shlex.split(line.removesuffix(SHOW_CODE)))
            assert code, f"$ {line}\n{output}\nwas to fail"
            code, output = 0, f"{output}exit code {code}\n"
        elif NEEDS_SHELL.search(QUOTED.sub("", line)):
            code, output = self.in_shell(line)
        else:
            code, output = self.in_process(shlex.split(line))
        print(f"{sum(os.times()[:4]) - began:6.1f} CPU seconds: {line}")
        assert code == 0, f"$ {line}\n{output}\n(exit code {code})"
        self.as_shown &= command.as_shown
        if command.output is not None:
            kept = keeps_promise(output, command.output, figures=self.as_shown)
            assert kept, f"$ {line}\n{output}\n--- but the page shows\n{command.output}"

    def read(self, command: Command) -> None:
        """Let the command itself read its arguments, and do nothing."""
        line = re.sub(r"\s\.\.\.", "", command.line)
        words = shlex.split(line)
        if words[0] == "torchrun":
            from torch.distributed.run import parse_args

            launched = parse_args(words[1:])
            words = [launched.training_script, *launched.training_script_args]
        if words[0] == "netlab":
            code, output = self.in_process([*words, "--help"])
        elif words[0] == "python":
            code, output = self.script_help(ROOT / words[1])
            for flag in (word for word in words[2:] if word.startswith("--")):
                assert flag in output, f"{words[1]} knows no {flag}"
        elif words[0] == "make":
            code, output = self.in_shell(f"make --dry-run --directory {ROOT} {shlex.join(words[1:])}")
        else:
            assert shutil.which(Path(words[0]).name, path=self.environment.variables()["PATH"]), line
            return
        assert code == 0, f"$ {line}\n{output}"

    def in_process(self, words: list[str]) -> tuple[int, str]:
        """Call ``netlab``; exit code, and standard output and error as a terminal shows them."""
        self.forget_modules()
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            try:
                main(words[1:])
            except SystemExit as leaving:
                return int(leaving.code or 0), text.getvalue()
        raise AssertionError("netlab did not exit")

    def script_help(self, script: Path) -> tuple[int, str]:
        """What a script of the repository prints for ``--help``."""
        text = io.StringIO()
        arguments, sys.argv = sys.argv, [str(script), "--help"]
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                runpy.run_path(str(script), run_name="__main__")
        except SystemExit as leaving:
            return int(leaving.code or 0), text.getvalue()
        finally:
            sys.argv = arguments
        return 0, text.getvalue()

    def in_shell(self, line: str) -> tuple[int, str]:
        """Run a line in bash in the reader's environment, and go where it goes."""
        where = self.folder.parent / "where"
        done = self.environment.run(
            shell=f"exec 2>&1; {line}\nstatus=$?; pwd > {where}; exit $status", cwd=Path.cwd()
        )
        os.chdir(where.read_text().strip())
        return done.returncode, done.stdout

    def forget_modules(self) -> None:
        """See packages as they are now: what a page installs and writes changes under this process."""
        if self._environment is None:
            return
        for folder in self._environment.folder.glob("lib/*/site-packages"):
            site.addsitedir(str(folder))
        importlib.invalidate_caches()
        for name, module in list(sys.modules.items()):
            if str(self.folder) in str(getattr(module, "__file__", None) or ""):
                del sys.modules[name]

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """In the page's folder, with settings and caches of its own; afterwards all is as it was."""
        self.folder.mkdir(parents=True, exist_ok=True)
        variables, paths, here = dict(os.environ), list(sys.path), Path.cwd()
        for name in [name for name in os.environ if name.startswith("NETLAB_")]:
            del os.environ[name]
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = str(self.folder.parent / name.lower())
        os.chdir(self.folder)
        try:
            yield
        finally:
            self.forget_modules()
            os.chdir(here)
            sys.path[:] = paths
            os.environ.clear()
            os.environ.update(variables)
