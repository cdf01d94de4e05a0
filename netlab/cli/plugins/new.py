"""``netlab plugins new``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from netlab.cli.core.command import command
from netlab.cli.core.flags import Argument
from netlab.cli.core.options import Options
from netlab.cli.core.session import Session
from netlab.cli.plugins.names import complete_kind
from netlab.errors import UsageError
from netlab.kinds import KINDS
from netlab.scaffold import placeholders, write_package


class NewOptions(Options):
    name: Annotated[str, Argument("NAME")] = Field(
        description="What users will type, such as squeeze-excite."
    )
    kind: str = Field("block", description=f"What it adds: {', '.join((*KINDS, 'tracker'))}.")
    directory: Path | None = Field(None, description="The new folder: netlab-plugin-NAME.")


def build(session: Session) -> Callable[..., None]:
    """The command."""

    def new(options: NewOptions) -> None:
        """Write a complete package with one part: code, options, tests, README and CI."""
        name, kind = options.name, options.kind
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
        folder = options.directory or Path(values["distribution"])
        for path in write_package(name, kind, folder):
            print(path)
        print()
        print(f"The {kind} '{name}' is complete and works as it is. Next:")
        print(f"  cd {folder}")
        print("  pip install -e '.[dev]'")
        print("  pytest")
        print(f"  netlab plugins check {name}")

    return command(session, NewOptions, new, completions={"kind": complete_kind})
