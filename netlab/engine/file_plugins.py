"""Plugins of one file: ``--plugin FILE.py``, and the files of a folder ``netlab_plugins`` beside the runs.

The manager takes a file as it takes an entry point: of a distribution that is called ``file:NAME.py``, with
the beginning of the file's SHA-256 as its version. Its module is called ``netlab_plugin_files.NAME``.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module, metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from netlab.engine.distributions import FILE
from netlab.engine.kept import depend_on
from netlab.errors import UsageError, closest
from netlab.specs import ENTRY_POINT_GROUP

FOLDER = "netlab_plugins"
PACKAGE = "netlab_plugin_files"
DIGITS = 12  # of the digest that stands in the place of a version
TORCH = re.compile(rb"^(?:import|from) +torch", re.MULTILINE)


class PluginFile(metadata.Distribution):
    """A file in the place of a distribution: a name, a version, and nothing else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = path.read_bytes()
        self.sha256 = hashlib.sha256(self.content).hexdigest()

    @property
    def needs_torch(self) -> bool:
        """Whether its import waits for PyTorch's."""
        return TORCH.search(self.content) is not None

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        name, version = f"{FILE}{self.path.name}", self.sha256[:DIGITS]
        return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def locate_file(self, path: Any) -> Path:
        return self.path.parent / str(path)


class FileEntryPoint(metadata.EntryPoint):
    """The entry point that a package with this file would have."""

    @property
    def file(self) -> PluginFile:
        file = self.dist
        assert isinstance(file, PluginFile)
        return file

    @property
    def module_name(self) -> str:
        return f"{PACKAGE}.{self.name}"

    def offer(self) -> None:
        """Let its module be imported by name from now on: this version of it, if it was another before."""
        there = sys.modules.get(self.module_name)
        if there is not None and there.__dict__.get("__sha256__") != self.file.sha256:
            del sys.modules[self.module_name]
        _offered[self.module_name] = self
        if _finder not in sys.meta_path:
            sys.meta_path.append(_finder)

    def load(self) -> Any:
        """The file's module; it is run once, unless it has changed since."""
        self.offer()
        return import_module(self.module_name)


class FileLoader(Loader):
    """Runs what was read and digested, whatever has become of the file since."""

    def __init__(self, file: PluginFile) -> None:
        self.file = file

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__sha256__"] = self.file.sha256
        exec(compile(self.file.content, str(self.file.path), "exec"), module.__dict__)


class FileFinder(MetaPathFinder):
    """Finds the modules of plugin files, and the package that they are of, which has no files."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname == PACKAGE:
            return ModuleSpec(PACKAGE, None, is_package=True)
        point = _offered.get(fullname)
        if point is None:
            return None
        spec = ModuleSpec(fullname, FileLoader(point.file), origin=str(point.file.path))
        spec.has_location = True
        return spec


_offered: dict[str, FileEntryPoint] = {}  # by the name of the module
_finder = FileFinder()


def is_plugin_file(target: str) -> bool:
    """Whether the target of an entry point is a plugin file."""
    return target.endswith(".py") and Path(target).is_absolute()


def file_points(paths: Iterable[str | Path]) -> list[FileEntryPoint]:
    """The entry points of plugin files, in their order; a file that is named twice counts once.

    Raises:
        UsageError: a file is not there or can not be read, is no ``.py``, or two are called alike.
    """
    found: dict[str, FileEntryPoint] = {}
    for given in paths:
        path = Path(given).absolute()
        if not path.is_file():
            near = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
            what = (
                "it is a folder: name a file"
                if path.is_dir()
                else f"there is no such file.{closest(path.name, near)}"
            )
            raise UsageError(f"--plugin {given}: {what}")
        if path.suffix != ".py":
            raise UsageError(f"--plugin {given}: a plugin file is called NAME.py")
        if (other := found.get(path.stem)) is not None:
            if other.file.path.samefile(path):
                continue
            raise UsageError(
                f"two plugin files are called {path.name}: {other.file.path} and {path}: rename one of them"
            )
        try:
            file = PluginFile(path)
        except OSError as error:
            raise UsageError(f"--plugin {given}: {error.strerror}") from None
        point = FileEntryPoint(path.stem, str(path), ENTRY_POINT_GROUP)
        vars(point).update(dist=file)  # as importlib.metadata does it: entry points can not be changed
        point.offer()
        found[path.stem] = point
    return list(found.values())


def files_beside(folder: Path) -> Sequence[Path]:
    """The plugin files of the folder ``netlab_plugins`` that lies in ``folder``, by name.

    Only regular files that are in it themselves: no links, no folders, nothing that begins with . or _.
    """
    plugins = folder / FOLDER
    depend_on(
        [str(plugins)]
    )  # an answer that is kept holds until there is such a folder, or another file in it
    if not plugins.is_dir() or plugins.is_symlink():
        return ()
    return sorted(
        path
        for path in plugins.glob("*.py")
        if path.is_file() and not path.is_symlink() and not path.name.startswith((".", "_"))
    )
