"""Which option a name means: one rule for the flags of a command and for the keywords of a Python call.

Every option has a long form, that of its part (``--block.paths``, ``block__paths``), and a short one
(``--paths``, ``paths``), which works where nothing else of the call has that name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netlab.errors import NetlabError, UsageError, closest

if TYPE_CHECKING:
    from pydantic import BaseModel

    from netlab.engine.catalog import Catalog, Component


def ambiguous(written: str, meanings: Mapping[str, str]) -> str:
    """Why a short name can not be used; ``meanings`` are the long forms and their owners."""
    choices = " or ".join(f"'{meant}' ({owner})" for meant, owner in meanings.items())
    return f"{written} could be {choices}: write the long form"


def components_offering(
    catalog: Catalog, chosen: Collection[str], offers: Callable[[Component], bool]
) -> list[Component]:
    """The components that have a certain option, of those whose titles are not in ``chosen``."""
    found = []
    for component in catalog:
        try:
            if component.title not in chosen and offers(component):
                found.append(component)
        except NetlabError:  # its options can not be read, which is another's worry
            continue
    return found


def not_chosen(
    written: str, owners: Sequence[Component], chosen: Collection[str], choose: Callable[[Component], str]
) -> str:
    """Why an option can not be used that only ``owners`` have; ``choose`` says how one is chosen."""
    names = " and ".join(component.title for component in owners[:3])
    kind = owners[0].kind
    yours = sorted(title for title in chosen if title.startswith(f"{kind} "))
    instead = f"; you chose {', '.join(yours)}" if yours else ""
    return f"{written} belongs to {names}{instead} ({choose(owners[0])})"


def resolve_keywords(
    given: Mapping[str, Any],
    parts: Mapping[str, Component],
    catalog: Catalog,
    *,
    settings: type[BaseModel] | None = None,
    own: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The values of keywords by prefix and option, as ``--PREFIX.OPTION`` would set them.

    ``parts`` are the chosen components by prefix (``block``, or a metric's own name); the options of
    ``settings`` have the prefix "". The long form of a name is ``block__paths`` or ``block.paths``, with
    underscores or dashes. ``own`` are the other keywords of the call, for the closest name in a message.

    Raises:
        UsageError: a name is ambiguous, unknown, or of a part that was not chosen; or given twice.
    """
    options = [("", name) for name in (settings.model_fields if settings is not None else ())]
    for prefix, component in parts.items():
        options += [(prefix, name) for name in option_names(component)]
    values: dict[str, dict[str, Any]] = {}
    for written, value in given.items():
        prefix, name = meaning(written, options, parts, catalog, own)
        if name in values.setdefault(prefix, {}):
            raise UsageError(f"{written} is given twice, in its short and in its long form")
        values[prefix][name] = value
    return values


def option_names(component: Component) -> list[str]:
    """The options of a component, by name."""
    model = component.options_model()
    return [] if model is None else list(model.model_fields)


def plain(text: str) -> str:
    """A name with its dashes as Python writes them."""
    return text.replace("-", "_")


def meaning(
    written: str,
    options: Sequence[tuple[str, str]],
    parts: Mapping[str, Component],
    catalog: Catalog,
    own: Collection[str],
) -> tuple[str, str]:
    """The prefix and the option that a keyword means.

    Raises:
        UsageError: it means none, or several.
    """
    prefix, _, name = plain(written).replace(".", "__").rpartition("__")
    found = [
        (of, option) for of, option in options if option == name and (plain(of) == prefix if prefix else True)
    ]
    if not prefix and ("", name) in found:
        return "", name
    if len(found) == 1:
        return found[0]
    if found:
        meanings = {f"{plain(of)}__{option}": parts[of].title for of, option in found}
        raise UsageError(ambiguous(written, meanings))
    chosen = {component.title for component in parts.values()}
    kinds = {component.kind for component in parts.values()}
    owners = [
        component
        for component in components_offering(catalog, chosen, lambda other: name in option_names(other))
        if component.kind in kinds and prefix in ("", component.selector, plain(component.name))
    ]
    if owners:
        raise UsageError(not_chosen(written, owners, chosen, keyword_of))
    known = [
        *own,
        *(option for _, option in options),
        *(f"{plain(of)}__{option}" for of, option in options if of),
    ]
    listed = f" Known: {', '.join(known)}."
    raise UsageError(f"there is no option {written}.{closest(plain(written), known) or listed}")


def keyword_of(component: Component) -> str:
    """How a Python call chooses a component."""
    if component.kind == "metric":
        return f"name it too: {component.name!r}"
    return f"choose it with {component.selector}={component.name!r}"
