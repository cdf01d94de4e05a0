"""What a run recorded of its parts binds who reads it: the same supplier, with the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netlab.engine.distributions import canonical, is_file
from netlab.engine.manager import PluginManager
from netlab.engine.provenance import Supplier
from netlab.errors import UsageError

Accept = Callable[[str], object] | None  # told of a part that has changed; None: such a part is refused


@dataclass(frozen=True, slots=True)
class Binding:
    """The suppliers that ``whose`` (``run 'first'``) recorded. ``accepted`` are the changes that were."""

    whose: str
    suppliers: tuple[Supplier, ...]
    accept: Accept = None
    accepted: list[str] = field(default_factory=list, compare=False)

    def recorded(self, kind: str, name: str, distribution: str = "") -> Supplier | None:
        """The supplier of a part; None where there was no such part, or two that are called so."""
        found = [
            supplier
            for supplier in self.suppliers
            if (supplier.kind, supplier.name) == (kind, name) and distribution in ("", supplier.distribution)
        ]
        return found[0] if len({supplier.distribution for supplier in found}) == 1 else None

    def check(self, recorded: Supplier, here: Supplier) -> None:
        """Refuse a part whose code is other than it was, or say so where that is accepted.

        Raises:
            UsageError: naming the part, what was recorded, what is installed, and what to do.
        """
        if not recorded.changed_to(here):
            return
        change = f"{recorded.title} has changed since {self.whose} was trained: {recorded.change(here)}"
        if self.accept is None:
            restore = f"bring back {recorded.distribution} as it was"
            if recorded.version != here.version and not is_file(recorded.distribution):
                restore = f"pip install {recorded.requirement}"
            raise UsageError(f"{change}. {restore}, or use it all the same with --accept-changed-parts")
        if change not in self.accepted:
            self.accepted.append(change)
            self.accept(change)

    def missing(self, recorded: Supplier, manager: PluginManager) -> str:
        """Why a recorded part is not there, and what brings it back."""
        trained = f"{self.whose} was trained with {recorded.title} of {recorded.distribution}"
        if is_file(recorded.distribution):
            file = recorded.distribution.partition(":")[2]
            return f"{trained}, which is not loaded: give --plugin {file} (in Python netlab.load_plugin)"
        trained += f" {recorded.version}"
        there = [p for p in manager.plugins if p.distribution == canonical(recorded.distribution)]
        if not there:
            return f"{trained}, which is not installed: pip install {recorded.requirement}"
        if (state := next((p.state for p in there if not p.works), None)) is not None:
            return f"{trained}, whose plugin '{recorded.plugin}' is {state} here: see netlab plugins list"
        return (
            f"{trained}; {there[0].version} is installed and has no such part:"
            f" pip install {recorded.requirement}"
        )


def changed_suppliers(before: Iterable[Supplier], now: Iterable[Supplier]) -> list[str]:
    """``block 'gated': netlab-a -> netlab-b`` for every part that another distribution supplies now."""
    here = {(supplier.kind, supplier.name): supplier.distribution for supplier in now}
    return [
        f"{was.title}: {was.distribution} -> {here[was.kind, was.name]}"
        for was in before
        if here.get((was.kind, was.name), was.distribution) != was.distribution
    ]
