"""The installed parts, found once a process, and how a call chooses among them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netlab.api.table import Table
from netlab.engine.catalog import Catalog, Component
from netlab.engine.file_plugins import file_points
from netlab.engine.manager import PluginManager
from netlab.engine.option_names import resolve_keywords
from netlab.errors import NetlabError, PluginError, UsageError, closest
from netlab.kinds import KINDS
from netlab.runs.config import CHAINS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from netlab.engine.catalog import Part


_files: list[str] = []  # that load_plugin was given


def installed() -> Catalog:
    """Every installed part, and those of the plugin files that were loaded."""
    return _catalog(tuple(_files))


@functools.cache
def _catalog(files: tuple[str, ...]) -> Catalog:
    """The parts with those of these files; a plugin that failed is warned of, once."""
    manager = PluginManager.from_environment(files=files)
    for failure in manager.failures:
        warnings.warn(str(failure), stacklevel=2)
    return Catalog(manager)


def load_plugin(path: str | Path) -> Table:
    """Load a plugin from one file, as ``--plugin`` does for a command; its parts can then be used by name.

    A file that is loaded again after it was changed takes the place of what it was.

    Args:
        path: a ``.py`` file that declares parts as a package's plugin module does.

    Returns:
        A row a part, as ``netlab.parts``.

    Raises:
        UsageError: there is no such file, or another of that name is loaded.
        PluginError: it can not be imported, or declares nothing that can be used.
    """
    file = str(Path(path).absolute())
    others = [known for known in _files if known != file]
    file_points([*others, file])
    _catalog.cache_clear()
    _files[:] = [*others, file]
    manager = installed().manager
    plugin = next(plugin for plugin in manager.plugins if plugin.target == file)
    if not plugin.works:
        _files[:] = others
        raise PluginError(str(manager.failures_of(plugin)[0]))
    return table_of_parts(part for part in installed() if part.plugin is plugin)


def parts(kind: str | None = None) -> Table:
    """The parts that are installed, with their options and defaults.

    Args:
        kind: only of this kind: block, norm, backbone, dataset, metric, proposer, extractor,
            or one that a plugin defines.

    Returns:
        A row a part: kind, name, summary, options (``paths=2``), distribution, version.

    Raises:
        UsageError: there is no such kind.

    >>> table = netlab.parts("block")
    >>> "grouped" in table["name"]
    True
    """
    kinds = installed().manager.kinds
    if kind is not None and kind not in kinds:
        raise UsageError(f"there is no kind {kind!r}.{closest(str(kind), kinds)} Known: {', '.join(kinds)}")
    names = kinds if kind is None else (kind,)
    return table_of_parts(component for name in names for component in installed().of_kind(name))


def table_of_parts(components: Iterable[Component]) -> Table:
    """A row a part, as ``parts`` gives it."""
    rows = [
        {
            "kind": component.kind,
            "name": component.name,
            "summary": component.spec.summary,
            "options": options_text(component),
            "distribution": component.plugin.distribution,
            "version": component.plugin.version,
        }
        for component in components
    ]
    return Table(rows, ("kind", "name", "summary", "options", "distribution", "version"))


def options_text(component: Component) -> str:
    """``paths=2, skip=True``; of a part whose options can not be read, why."""
    try:
        model = component.options_model()
    except NetlabError as error:
        return str(error)
    fields = {} if model is None else model.model_fields
    return ", ".join(
        name if field.is_required() else f"{name}={field.get_default(call_default_factory=True)!r}"
        for name, field in fields.items()
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Chosen components by kind, and the options given for each, by kind; those of the call by ''."""

    components: dict[str, Component]
    values: dict[str, dict[str, Any]]

    def parts(self) -> dict[str, Part]:
        """The components with their options validated.

        Raises:
            UsageError: an option's value is out of range.
        """
        from netlab.engine.catalog import Part

        return {
            kind: Part(component, component.make_options(self.values.get(kind, {})))
            for kind, component in self.components.items()
        }


def choose(
    names: Mapping[str, str | None],
    options: Mapping[str, Any],
    *,
    settings: type[BaseModel] | None = None,
    own: Collection[str] = (),
    catalog: Catalog | None = None,
) -> Chosen:
    """The components of the kinds in ``names`` (None: the default) and the options that keywords give.

    Raises:
        UsageError: there is no such component or option.
    """
    catalog = installed() if catalog is None else catalog
    components = {}
    for kind, name in names.items():
        if name is not None and not isinstance(name, str):
            raise UsageError(f"{KINDS[kind].selector} must be the name of a {kind}, not {name!r:.60}")
        components[kind] = catalog.default(kind) if name is None else catalog.find(kind, name)
    kind_of = {KINDS[kind].selector: kind for kind in names}
    values = resolve_keywords(
        options,
        {KINDS[kind].selector: component for kind, component in components.items()},
        catalog,
        settings=settings,
        own=[*own, *kind_of],
    )
    return Chosen(components, {kind_of.get(prefix, prefix): given for prefix, given in values.items()})


def choose_tables(
    names: Mapping[str, str | None],
    options: Mapping[str, Any],
    *,
    chains: Mapping[str, str | Sequence[str] | None],
    settings: type[BaseModel],
    own: Collection[str] = (),
    file: Mapping[str, Any] = MappingProxyType({}),
    catalog: Catalog,
) -> dict[str, Any]:
    """What keywords say of a run, as tables: those of ``config.toml``, without what nobody gave.

    They go before what the tables of ``file`` say.

    Raises:
        UsageError: there is no such component or option.
    """
    from netlab.classification.assembly import choose_components
    from netlab.classification.given import merge_tables

    given: dict[str, Any] = {}
    for kind, name in names.items():
        if name is not None and not isinstance(name, str):
            raise UsageError(f"{KINDS[kind].selector} must be the name of a {kind}, not {name!r:.60}")
        if name is not None:
            given[KINDS[kind].selector] = name
    for kind, named in chains.items():
        if named is not None:
            listed = [named] if isinstance(named, str) else list(named)
            if not all(isinstance(name, str) for name in listed):
                raise UsageError(
                    f"{KINDS[kind].selector} must be names of {KINDS[kind].plural}, not {named!r:.60}"
                )
            given[KINDS[kind].selector] = listed
    chosen = choose_components(catalog, merge_tables(file, {"parts": given}))
    in_chains = {f"{part.selector}_{part.name}": part for chain in chosen.chains.values() for part in chain}
    selected = {KINDS[kind].selector: component for kind, component in chosen.components.items()}
    values = resolve_keywords(
        options,
        selected | in_chains,
        catalog,
        settings=settings,
        own=[*own, *selected, *CHAINS],
    )
    flags = {prefix: table for prefix, table in values.items() if prefix not in in_chains}
    for prefix in values.keys() & in_chains.keys():
        part = in_chains[prefix]
        flags.setdefault(part.selector, {})[part.name.replace("-", "_")] = values[prefix]
    flags["training"] = flags.pop("", {})
    return merge_tables(file, {"parts": given, **flags}, chosen.chain_names)


def choose_metrics(
    names: str | Sequence[str] | Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
) -> Mapping[str, Mapping[str, Any]]:
    """Metrics by name with the options that keywords give them.

    Raises:
        UsageError: no metric is named, one is unknown or named twice, or an option is none of theirs.
    """
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise UsageError("name at least one metric, such as 'si': netlab.parts('metric') lists them")
    for name in listed:
        if not isinstance(name, str):
            raise UsageError(f"a metric is chosen by its name, not {name!r:.60}")
        if listed.count(name) > 1:
            raise UsageError(f"metric '{name}' is named twice")
    catalog = installed()
    components = {name: catalog.find("metric", name) for name in listed}
    values = resolve_keywords(options, components, catalog)
    given = names if isinstance(names, Mapping) else {}
    return {name: {**given.get(name, {}), **values.get(name, {})} for name in listed}
