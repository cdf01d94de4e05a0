"""``netlab plugins new``."""

from __future__ import annotations

from pathlib import Path

from netlab.cli.core.session import Session
from netlab.errors import UsageError
from netlab.scaffold import placeholders, write_package


def new_plugin(session: Session, name: str, kind: str, directory: Path | None) -> None:
    """Write the package, and say what to do with it.

    Raises:
        UsageError: the name or kind will not do, a part or plugin is called so already, or the folder is
            not empty.
    """
    values = placeholders(name, kind)
    for component in session.catalog:
        if (component.kind, component.name) == (kind, name):
            raise UsageError(
                f"{component.title} is there already, from {component.plugin.distribution}:"
                " choose another name"
            )
    for plugin in session.manager.plugins:
        if plugin.name == name:
            raise UsageError(
                f"a plugin '{name}' is there already, from {plugin.distribution}:"
                f" choose another name, such as my-{name}"
            )
    folder = directory or Path(values["distribution"])
    files = write_package(name, kind, folder)
    for path in files:
        print(path)
    print()
    print(f"The {kind} '{name}' is complete and works as it is. Next:")
    print(f"  cd {folder}")
    print("  pip install -e '.[dev]'")
    print("  pytest")
    print(f"  netlab plugins check {name}")
