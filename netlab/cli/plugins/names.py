"""What the subcommands of ``netlab plugins`` share: the kinds, and the names of parts and plugins."""

from __future__ import annotations

from pydantic import Field

from netlab.cli.core.flags import Completion
from netlab.cli.core.options import Options
from netlab.cli.core.session import Session
from netlab.engine.listing import HOOK_KINDS
from netlab.kinds import KINDS


class OneKind(Options):
    kind: str | None = Field(None, description=f"Only one kind: {', '.join((*KINDS, *HOOK_KINDS))}.")


def complete_kind(incomplete: str) -> list[tuple[str, str]]:
    """Completes the name of a kind, with what it is."""
    kinds = {kind.name: kind.summary for kind in KINDS.values()} | dict.fromkeys(HOOK_KINDS, "")
    return [(name, summary) for name, summary in kinds.items() if name.startswith(incomplete)]


def part_completion(session: Session) -> Completion:
    """Completes the name of a part or plugin."""

    def complete(incomplete: str) -> list[str]:
        names = {component.name for component in session.catalog}
        names |= {plugin.name for plugin in session.catalog.manager.plugins}
        return sorted(name for name in names if name.startswith(incomplete))

    return complete
