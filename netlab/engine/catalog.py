"""Names to components, across plugins.

A name that two distributions offer is an error on use, never first or last wins: in an experiment a
silent choice changes results. ``NAME@DISTRIBUTION`` picks one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from netlab.engine.binding import Binding
from netlab.engine.blame import of_the_machine
from netlab.engine.declaration import Phase
from netlab.engine.distributions import canonical
from netlab.engine.manager import PluginManager
from netlab.engine.part_options import part_options, with_names
from netlab.engine.plugin import Plugin
from netlab.engine.provenance import Supplier, code_digest
from netlab.errors import NetlabError, PluginError, UsageError, closest, first_line
from netlab.kinds import CHAIN_KINDS
from netlab.kinds.chosen_part import ChosenPart
from netlab.specs import ComponentSpec, load_target

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Component:
    """A component and the plugin it came from. ``preset`` holds option values given with the name,
    ``binding`` says who supplies the parts that its options name, where a run has recorded that."""

    spec: ComponentSpec
    plugin: Plugin
    manager: PluginManager
    preset: Mapping[str, Any] = field(default_factory=dict)
    binding: Binding | None = None

    @property
    def kind(self) -> str:
        return self.spec.kind

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def selector(self) -> str:
        """The flag that chooses a part of its kind, and the table of its options in a file."""
        return self.manager.kinds[self.kind].selector

    @property
    def prefix(self) -> str:
        """What stands before its options on the command line: its kind's selector, and its own name where
        several parts of the kind are chosen at once."""
        if self.kind == "metric":
            return self.name
        return f"{self.selector}.{self.name}" if self.kind in CHAIN_KINDS else self.selector

    @property
    def title(self) -> str:
        """``block 'grouped'``, for messages."""
        return f"{self.kind} '{self.name}'"

    @property
    def who(self) -> str:
        """``block 'grouped' of netlab-vision 0.1.0``: what a message about its failure begins with."""
        return f"{self.title} of {self.plugin.distribution} {self.plugin.version}"

    @property
    def supplier(self) -> Supplier:
        """Who supplied it, and the digest of its code."""
        plugin = self.plugin
        digest = code_digest(self.spec, plugin)
        return Supplier(self.kind, self.name, plugin.name, plugin.distribution, plugin.version, digest)

    @property
    def catalog(self) -> Catalog:
        """Where the parts that its options name are found."""
        return Catalog(self.manager, self.binding)

    def load(self) -> Any:
        """Import the component itself.

        Raises:
            PluginError: its module can not be imported or has no such attribute.
        """
        try:
            return imported(self.spec.target)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.manager.fail(self.plugin, "build", error)
            raise PluginError(
                f"{self.who} can not be loaded from '{self.spec.target}': {first_line(error)}"
            ) from error

    def options_model(self) -> type[BaseModel] | None:
        """The pydantic model of its options, or None if it has none.

        Raises:
            PluginError: the model can not be imported or is not a pydantic model.
        """
        if self.spec.options is None:
            return None
        from pydantic import BaseModel

        who = f"the options of {self.who} can not be loaded"
        try:
            self.manager.check_options(self.plugin, self.spec.options)
        except PluginError as error:
            raise PluginError(f"{who}: {first_line(error)}") from error
        try:
            model = imported(self.spec.options)
            if not (isinstance(model, type) and issubclass(model, BaseModel)):
                raise TypeError(f"'{self.spec.options}' is not a pydantic model")
            part_options(model, self.manager.kinds)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.manager.fail(self.plugin, "options", error)
            raise PluginError(f"{who}: {first_line(error)}") from error
        return model

    def make_options(self, values: Mapping[str, Any], prefix: str | None = None) -> BaseModel | None:
        """Its options from given values, the rest from defaults; None if it has no options.

        ``prefix`` stands before its options on the command line, by default its own.

        Raises:
            UsageError: an unknown option (with the closest name) or a value out of range.
        """
        from pydantic import ValidationError

        from netlab.engine.option_errors import refusal

        model = self.options_model()
        values = {**self.preset, **values}
        known = set(model.model_fields) if model is not None else set()
        for name in values:
            if name not in known:
                raise UsageError(f"{self.title} has no option '{name}'.{closest(name, known)}")
        if model is None:
            return None
        named, prefix = part_options(model, self.manager.kinds), prefix or self.prefix
        try:
            options = model.model_validate(with_names(values, model, named))
        except ValidationError as error:
            raise UsageError(refusal(error, model, self.title, prefix)) from None
        return self.catalog.with_bound_parts(options, named, prefix) if named else options

    def build(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the component: see ``call``."""
        return self.call(self.load(), *arguments, **keywords)

    def call(self, target: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call the component, or what it gave; what is raised becomes one clear line that names it.

        ``ValueError`` is the component's own word that its input does not fit, a usage error; a
        missing file likewise; anything else is the plugin's failure.
        """
        try:
            return target(*arguments, **keywords)
        except (NetlabError, KeyboardInterrupt):
            raise
        except (ValueError, FileNotFoundError) as error:
            if "read-only" in str(error):  # NumPy's word for writing to what others are given too
                raise self.failed(error) from error
            raise UsageError(f"{self.title}: {' '.join(str(error).split())}") from error
        except BaseException as error:
            if self.plugin.builtin or of_the_machine(error):
                raise
            raise self.failed(error) from error

    def failed(self, error: BaseException, phase: Phase = "build") -> PluginError:
        """Keep what it raised as its plugin's failure; gives the error to raise, one line that names it."""
        self.manager.fail(self.plugin, phase, error)
        return PluginError(f"{self.who} failed: {first_line(error)}")

    def broke(self, how: str) -> PluginError:
        """Keep that its result is not what its contract promises; gives the error to raise."""
        error = PluginError(f"{self.who} broke its contract: {how}")
        self.manager.fail(self.plugin, "result", error)
        return error


def imported(target: str) -> Any:
    """What a target names. What its module prints is kept away from standard output, which may be JSON."""
    with contextlib.redirect_stdout(sys.stderr):
        return load_target(target)


@dataclass(frozen=True, slots=True)
class Part:
    """A chosen component and its validated options (a pydantic model or None)."""

    component: Component
    options: Any

    @property
    def components(self) -> list[Component]:
        """The component, and those that its options name, and so on."""
        return [self.component, *parts_within(self.options)]

    @property
    def values(self) -> dict[str, Any]:
        """The options by name, as JSON and TOML hold them."""
        return self.options.model_dump(mode="json") if self.options is not None else {}


@dataclass(frozen=True, slots=True)
class BoundPart(ChosenPart):
    """A part that an option names, found in the catalogue, its options checked."""

    component: Component = field(kw_only=True, compare=False, repr=False)
    bound_options: BaseModel | None = field(kw_only=True, compare=False, repr=False)


def parts_within(options: BaseModel | None) -> Iterator[Component]:
    """The components that options name, and those that their options name in turn."""
    for name in type(options).model_fields if options is not None else ():
        value = getattr(options, name)
        if isinstance(value, BoundPart):
            yield value.component
            yield from parts_within(value.bound_options)


class Catalog:
    """Every component of every loaded plugin; with a ``binding``, those that a run was made of are found
    at the suppliers that it recorded."""

    def __init__(self, manager: PluginManager, binding: Binding | None = None) -> None:
        self.manager = manager
        self.binding = binding
        self._components = [
            Component(spec, plugin, manager, binding=binding)
            for plugin in manager.plugins
            for spec in plugin.components
        ]

    def bound_to(self, binding: Binding | None) -> Catalog:
        """The same components for the reader of a run."""
        return Catalog(self.manager, binding)

    def __iter__(self) -> Iterator[Component]:
        return iter(self._components)

    def of_kind(self, kind: str) -> list[Component]:
        """The components of one kind, by name, clashing ones all listed."""
        found = [component for component in self._components if component.kind == kind]
        return sorted(found, key=lambda component: (component.name, component.plugin.distribution))

    def names(self, kind: str) -> list[str]:
        """The distinct names of one kind, sorted."""
        return sorted({component.name for component in self._components if component.kind == kind})

    def clashes(self, component: Component) -> list[Component]:
        """The components of the same kind and name from other plugins."""
        return [
            other
            for other in self.of_kind(component.kind)
            if other.name == component.name and other.plugin is not component.plugin
        ]

    def recorded_name(self, component: Component) -> str:
        """The name by which a file names a component: with its distribution where the name clashes."""
        return (
            f"{component.name}@{component.plugin.distribution}" if self.clashes(component) else component.name
        )

    def find(self, kind: str, text: str) -> Component:
        """The component that a user named: ``NAME``, ``NAME@DISTRIBUTION`` or ``NAME:VARIANT``.

        Raises:
            UsageError: no such component (with the closest names and the plugins that failed), or
                several distributions offer it; the recorded one is not there, or has changed.
        """
        name, _, distribution = text.partition("@")
        name, _, variant = name.partition(":")
        binding = self.binding
        recorded = binding.recorded(kind, name, canonical(distribution)) if binding is not None else None
        if recorded is not None:
            distribution = recorded.distribution
        found = [
            component
            for component in self.of_kind(kind)
            if component.name == name
            and (not distribution or component.plugin.distribution == canonical(distribution))
        ]
        if not found:
            if recorded is not None and binding is not None:
                raise UsageError(binding.missing(recorded, self.manager))
            raise UsageError(self._unknown(kind, text))
        if len(found) > 1:
            choices = " or ".join(f"'{name}@{component.plugin.distribution}'" for component in found)
            raise UsageError(f"several plugins offer {kind} '{name}': write {choices}")
        (component,) = found
        if recorded is not None and binding is not None:
            binding.check(recorded, component.supplier)
        if not variant:
            return component
        if "variants" not in component.spec.tags:
            raise UsageError(f"{component.title} has no variants: write '{name}', not '{text}'")
        return replace(component, preset={"variant": variant})

    def with_bound_parts(self, options: BaseModel, named: Mapping[str, str], prefix: str) -> BaseModel:
        """The options with the parts that they name (``named``: option -> kind) ready to be called.

        ``prefix`` stands before these options on the command line.

        Raises:
            UsageError: there is no such part, or its options do not fit it.
        """
        chosen = {name: getattr(options, name) for name in named}
        bound = {
            name: self._bound(named[name], part, f"{prefix}.{name.replace('_', '-')}")
            for name, part in chosen.items()
            if part is not None
        }
        return options.model_copy(update=bound)

    def _bound(self, kind: str, chosen: ChosenPart, prefix: str) -> BoundPart:
        component = self.find(kind, chosen.name)
        options = component.make_options(chosen.options, prefix)

        def call(*arguments: Any, **keywords: Any) -> Any:
            return component.build(*arguments, **keywords, options=options)

        target: Callable[..., Any] = call
        name, values = self.recorded_name(component), Part(component, options).values
        return BoundPart(name, values, target, component=component, bound_options=options)

    def default(self, kind: str, tag: str = "default") -> Component:
        """The component of a kind that is used when none is named: netlab's own, tagged ``default`` or, where
        a case has a default of its own, ``tag``.

        Raises:
            UsageError: it is blocked or missing, and one must be named.
        """
        for component in self.of_kind(kind):
            if tag in component.spec.tags and component.plugin.builtin:
                return component
        selector = self.manager.kinds[kind].selector
        raise UsageError(
            f"no {kind} was named and netlab's default is not there (blocked?): use --{selector} NAME"
        )

    def _unknown(self, kind: str, text: str) -> str:
        names = self.names(kind)
        known = f" Known: {', '.join(names)}." if names else f" No {kind} is installed."
        message = f"there is no {kind} '{text}'.{closest(text, names) or known}"
        if self.manager.failures:
            failed = ", ".join(sorted({f"'{failure.plugin}'" for failure in self.manager.failures}))
            message += f" It may come from a plugin that failed: {failed} (see 'netlab plugins list')."
        return message
