"""The words of a command line, before Typer sees them: short flags are rewritten, unknown ones refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netlab.cli.core.flags import Flag, component_flags
from netlab.engine.catalog import Catalog, Component
from netlab.engine.option_names import ambiguous, components_offering, not_chosen
from netlab.errors import UsageError, closest

HELP = frozenset({"--help", "-h"})


def rewrite_short_flags(
    words: Sequence[str], flags: Sequence[Flag], catalog: Catalog, chosen: Iterable[Component] = ()
) -> list[str]:
    """Replace short flags by canonical ones and refuse flags that the command does not have.

    ``chosen`` are the components that the command works with (one may have no flags at all).

    Raises:
        UsageError: an ambiguous short flag, a flag of a component that was not chosen (naming its
            owner), or an unknown one (with the closest).
    """
    canonical = {*HELP}
    short: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for flag in flags:
        if flag.is_argument:
            continue
        owners |= dict.fromkeys(flag.spellings().values(), flag.owner)
        shortened = flag.short_spellings()
        canonical |= flag.spellings().keys() - shortened.keys()
        for written, meant in shortened.items():
            short.setdefault(written, []).append(meant)
    rewritten: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return rewritten + list(words[position:])
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name in canonical:
            rewritten.append(word)
        elif len(short.get(name, ())) == 1:
            rewritten.append(short[name][0] + equals + value)
        elif name in short:
            raise UsageError(ambiguous(name, {meant: owners[meant] for meant in short[name]}))
        else:
            titles = [component.title for component in chosen]
            raise UsageError(unknown_flag(name, flags, canonical | short.keys(), catalog, titles))
    return rewritten


def unknown_flag(
    name: str, flags: Sequence[Flag], known: Iterable[str], catalog: Catalog, titles: Iterable[str]
) -> str:
    """Why there is no such flag: it belongs to a component that was not chosen, or to none."""
    chosen = {flag.owner for flag in flags} | set(titles)

    def offers(component: Component) -> bool:
        return any(name in flag.spellings() for flag in component_flags(component))

    if owners := components_offering(catalog, chosen, offers):
        return not_chosen(name, owners, chosen, how_to_choose)
    return f"there is no flag {name}.{closest(name, known) or ' See --help.'}"


def how_to_choose(component: Component) -> str:
    """What to type so that the command works with a component."""
    if component.kind == "metric":  # metrics are named without a flag
        return f"name it too: netlab metrics {component.name}"
    return f"choose it with --{component.selector} {component.name}"
