"""Writes a new plugin package from the templates in ``templates/``.

A template is a text file in which ``$name`` and the like are filled in (``string.Template``); its first
folder is ``common`` or a kind, the rest its place in the package.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from netlab import __version__
from netlab.errors import UsageError, closest
from netlab.kinds import KINDS

SCAFFOLD_KINDS = (*KINDS, "tracker")
OTHER_MODULES = ("options", "plugin", "settings")  # what a package holds beside the module of its part


def check_name(name: str) -> None:
    """Whether a package can have this name, without taking anything from another.

    Two packages that import as one overwrite each other when they are installed, and removing one removes
    files of both.

    Raises:
        UsageError: saying whose name it is.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise UsageError(f"'{name}' is no name for a plugin: use a-z, 0-9 and '-', such as squeeze-excite")
    if module in sys.stdlib_module_names:
        raise UsageError(
            f"'{name}' is a module of Python's own library, and an import would not say which is meant:"
            f" choose another name, such as my-{name}"
        )
    if module in OTHER_MODULES:
        raise UsageError(
            f"a plugin's package has a module '{module}' already: choose another name, such as my-{name}"
        )
    package = f"netlab_{module}"
    if importlib.util.find_spec(package) is not None:
        raise UsageError(
            f"'{name}' would be the import package {package}, which is installed already, and one would"
            f" overwrite the other: choose another name, such as my-{name}"
        )


def placeholders(name: str, kind: str) -> dict[str, str]:
    """What the templates may name.

    Raises:
        UsageError: the name can not be that of a part and of a module, or there is no such kind.
    """
    check_name(name)
    if kind not in SCAFFOLD_KINDS:
        hint = closest(kind, SCAFFOLD_KINDS) or f" Known: {', '.join(SCAFFOLD_KINDS)}"
        raise UsageError(f"there is no kind '{kind}'.{hint}")
    module = name.replace("-", "_")
    title = "".join(word.capitalize() for word in name.split("-"))
    return {
        "name": name,
        "kind": kind,
        "distribution": f"netlab-plugin-{name}",
        "package": f"netlab_{module}",
        "module": module,
        "Title": title,
        "version": __version__,
        "api": "v1",
    }


def package_texts(name: str, kind: str) -> dict[str, str]:
    """Place in the package -> text, of every file.

    Raises:
        UsageError: the name or kind will not do.
    """
    values = placeholders(name, kind)
    templates = files("netlab.scaffold") / "templates"
    texts = read_templates(templates / "common") | read_templates(templates / kind)
    return {
        Template(place.removesuffix(".tmpl")).substitute(values): Template(text).substitute(values)
        for place, text in texts.items()
    }


def write_package(name: str, kind: str, folder: Path) -> list[Path]:
    """Write the package into ``folder`` and give its files, sorted.

    Raises:
        UsageError: the name or kind will not do, or the folder is there and not empty.
    """
    texts = package_texts(name, kind)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"'{folder}' exists already and is not empty: choose another with --directory")
    for place, text in texts.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(folder / place for place in texts)


def read_templates(folder: Traversable, prefix: str = "") -> dict[str, str]:
    """Place in the package -> text, of every template below ``folder``."""
    found: dict[str, str] = {}
    for entry in folder.iterdir():
        place = f"{prefix}{entry.name}"
        if entry.is_dir():
            found |= read_templates(entry, f"{place}/")
        elif entry.name.endswith(".tmpl"):
            found[place] = entry.read_text(encoding="utf-8")
    return found
