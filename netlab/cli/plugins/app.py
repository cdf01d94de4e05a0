"""``netlab plugins``: what is installed, and tools for those who write plugins."""

# No `from __future__ import annotations`: as texts, they could not name the local completion function.
from pathlib import Path
from typing import Annotated

import typer

from netlab.cli.core.session import Session
from netlab.kinds import KINDS

HOOK_KINDS = ("tracker", "command", "report")  # what a plugin may add beside components
KIND_HELP = "Only one kind: " + ", ".join((*KINDS, *HOOK_KINDS))


def build(session: Session) -> typer.Typer:
    """The subcommands; what each needs is imported when it is called."""
    app = typer.Typer(no_args_is_help=True)

    def complete_part(incomplete: str) -> list[str]:
        names = {component.name for component in session.catalog}
        names |= {plugin.name for plugin in session.catalog.manager.plugins}
        return sorted(name for name in names if name.startswith(incomplete))

    def complete_kind(incomplete: str) -> list[tuple[str, str]]:
        kinds = {kind.name: kind.summary for kind in KINDS.values()} | dict.fromkeys(HOOK_KINDS, "")
        return [(name, summary) for name, summary in kinds.items() if name.startswith(incomplete)]

    @app.callback()
    def plugins() -> None:
        """List, inspect, write and check plugins: the packages that netlab's parts come from."""

    @app.command("list")
    def list_parts(
        pattern: Annotated[
            str,
            typer.Argument(
                metavar="[NAME]",
                help="Only these names; * and ? are wildcards.",
                autocompletion=complete_part,
            ),
        ] = "*",
        kind: Annotated[
            str | None, typer.Option("--kind", help=KIND_HELP, autocompletion=complete_kind)
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """List every part by kind and name, and every plugin that is not in order."""
        from netlab.cli.plugins.list import list_plugins

        list_plugins(session, pattern, kind, as_json=as_json)

    @app.command("show")
    def show(
        name: Annotated[
            str,
            typer.Argument(
                help="A part (NAME or NAME@DISTRIBUTION), a plugin or a distribution; * and ? are wildcards.",
                autocompletion=complete_part,
            ),
        ],
        kind: Annotated[
            str | None, typer.Option("--kind", help=KIND_HELP, autocompletion=complete_kind)
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Show a part: contract, options, source and who else offers it; or a plugin and its failures."""
        from netlab.cli.plugins.show import show_plugins

        show_plugins(session, name, kind, as_json=as_json)

    @app.command("new")
    def new(
        name: Annotated[str, typer.Argument(help="What users will type, such as squeeze-excite.")],
        kind: Annotated[
            str,
            typer.Option(
                "--kind",
                help="What it adds: " + ", ".join((*KINDS, "tracker")),
                autocompletion=complete_kind,
            ),
        ] = "block",
        directory: Annotated[
            Path | None, typer.Option("--directory", help="The new folder: netlab-plugin-NAME.")
        ] = None,
    ) -> None:
        """Write a complete package with one part: code, options, tests, README and CI."""
        from netlab.cli.plugins.new import new_plugin

        new_plugin(session, name, kind, directory)

    @app.command("check")
    def check(
        what: Annotated[
            str | None,
            typer.Argument(
                metavar="[NAME|PATH]",
                help="A plugin, distribution or part, or the folder of a package that need not be installed;"
                " by default every plugin that is not netlab's own.",
                autocompletion=complete_part,
            ),
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help="Netlab's own plugins too.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Check plugins stage by stage: metadata, light import, API, resolve, options, conformance.

        Ends with exit code 3 when something fails.
        """
        from netlab.cli.plugins.check import check_plugins

        check_plugins(session, what, everything=everything, as_json=as_json)

    @app.command("freeze")
    def freeze(
        run: Annotated[
            str | None,
            typer.Option("--run", help="Only what this run used, at its versions: a path or a name."),
        ] = None,
        runs: Annotated[Path, typer.Option("--runs", help="Where runs are kept.")] = Path("runs"),
    ) -> None:
        """Print requirement lines of the distributions that the parts come from, for pip install -r."""
        from netlab.cli.plugins.freeze import freeze_plugins

        freeze_plugins(session, run, runs)

    return app
