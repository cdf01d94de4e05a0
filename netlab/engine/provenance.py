"""Who supplied a part, and a digest of the code that it is made of.

What the digest covers is decided in ``docs/decisions/14-what-a-digest-of-a-part-covers.md``: of a plugin
the module files of its import package, of a plugin file that file, of netlab's own parts the module of the
part and the built-in modules that it imports.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.engine.distributions import OWN_DISTRIBUTION, is_file
from netlab.specs import ComponentSpec

if TYPE_CHECKING:
    from netlab.engine.plugin import Plugin

CODE = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
IMPORT = re.compile(rb"^\s*(?:from|import)\s+(\w+(?:\.\w+)+)", re.MULTILINE)
SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Supplier:
    """A part, and who supplied it: the SHA-256 digest is that of its code, empty where it is not known."""

    kind: str
    name: str
    plugin: str
    distribution: str
    version: str
    sha256: str = ""

    @property
    def title(self) -> str:
        """``block 'grouped'``, for messages."""
        return f"{self.kind} '{self.name}'"

    @property
    def requirement(self) -> str:
        """``netlab-plugin-gated==0.1.0``, or ``file:gated.py``, whose version is its digest."""
        return self.distribution if is_file(self.distribution) else f"{self.distribution}=={self.version}"

    @property
    def text(self) -> str:
        """``gated@netlab-plugin-gated==0.1.0``."""
        return f"{self.name}@{self.requirement}"

    def record(self) -> dict[str, str]:
        """For a file of the run."""
        return asdict(self)

    def changed_to(self, here: Supplier) -> bool:
        """Whether ``here``, the same part of the same distribution, is other code.

        Of netlab's own parts the digest alone decides, since a new version leaves most of them as they were.
        """
        if self.sha256 and here.sha256 and self.sha256 != here.sha256:
            return True
        return self.distribution != OWN_DISTRIBUTION and self.version != here.version

    def change(self, here: Supplier) -> str:
        """``netlab-plugin-gated 0.1.0 (sha256 1f2e3d4c) -> 0.2.0 (sha256 5b6a7988)``."""
        return f"{self.distribution} {self._state} -> {here._state}"

    @property
    def _state(self) -> str:
        digest = f"sha256 {self.sha256[:SHOWN_DIGITS] or 'unknown'}"
        return digest if is_file(self.distribution) else f"{self.version} ({digest})"


def supplier_of_record(record: Any) -> Supplier | None:
    """A supplier as it was recorded; None for what is none."""
    if not isinstance(record, Mapping):
        return None
    values = {name: record.get(name, "") for name in Supplier.__slots__}
    return Supplier(**values) if all(isinstance(value, str) for value in values.values()) else None


def code_digest(spec: ComponentSpec, plugin: Plugin) -> str:
    """SHA-256 of the names and contents of the part's module files, empty where none is found."""
    if plugin.builtin:
        paths = builtin_files(spec.target)
    elif is_file(plugin.distribution):
        paths = [Path(plugin.target)]
    else:
        paths = plugin_files(plugin.target, spec)
    digest, folder = hashlib.sha256(), common_folder(paths)
    try:
        for path in paths:
            state = path.stat()
            content = file_digest(path, state.st_mtime_ns, state.st_size)
            digest.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    except OSError:
        return ""
    return digest.hexdigest() if paths else ""


@functools.cache
def file_digest(path: Path, changed: int, size: int) -> str:
    """SHA-256 of a file that was ``changed`` then (nanoseconds) and has this ``size``."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def common_folder(paths: Sequence[Path]) -> Path:
    """The folder from which the paths are named: a digest is the same wherever the code is installed."""
    folder = paths[0].parent if paths else Path()
    while not all(path.is_relative_to(folder) for path in paths):
        folder = folder.parent
    return folder


def builtin_files(target: str) -> list[Path]:
    """The file of a built-in part, and those of the built-in modules that it imports, options apart.

    Every value of the options is recorded in the run, and so a new option of another part changes nothing.
    """
    package = target.partition(".")[0]
    root = package_folder(package)
    waiting, found = [target.partition(":")[0]] if root is not None else [], set()
    while waiting and root is not None:
        path = root.joinpath(*waiting.pop().split(".")[1:]).with_suffix(".py")
        if path not in found and path.stem != "options" and path.is_file():
            found.add(path)
            imported = [name.decode() for name in IMPORT.findall(path.read_bytes())]
            waiting += [name for name in imported if name.startswith(f"{package}.")]
    return sorted(found)


def plugin_files(target: str, spec: ComponentSpec) -> list[Path]:
    """The module files of a plugin's import package, and those of the part where they lie elsewhere.

    Of a part that is made of another package's code, as ``torch.nn:BatchNorm2d``, only the module itself:
    that package has a version of its own.
    """
    module = target.partition(":")[0]
    files = set(files_of_package(module))
    for text in (spec.target, spec.options):
        other = (text or module).partition(":")[0]
        if other.partition(".")[0] != module.partition(".")[0]:
            files.update(filter(None, [module_file(other)]))
    return sorted(files)


def files_of_package(module: str) -> Iterator[Path]:
    """All module files of the outermost package of a module that is no namespace; or of the lone module."""
    names = module.split(".")
    for depth in range(1, len(names) + 1):
        folder = package_folder(".".join(names[:depth]))
        if folder is not None and (folder / "__init__.py").is_file():
            yield from (path for path in folder.rglob("*") if path.name.endswith(CODE) and path.is_file())
            return
    if (path := module_file(module)) is not None:
        yield path


def package_folder(module: str) -> Path | None:
    """Where a package's modules are, found without importing it."""
    top, *below = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (folder := Path(location, *below)).is_dir():
            return folder
    return None


def module_file(module: str) -> Path | None:
    """The file of a module, found without importing it."""
    parent, _, name = module.rpartition(".")
    if not parent:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            return None
        return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
    if (folder := package_folder(module)) is not None and (folder / "__init__.py").is_file():
        return folder / "__init__.py"
    above = package_folder(parent)
    candidates = [above / f"{name}{suffix}" for suffix in CODE] if above is not None else []
    return next((path for path in candidates if path.is_file()), None)
