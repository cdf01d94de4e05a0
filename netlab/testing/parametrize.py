"""The checks of installed components, bound and ready to run, for pytest and for the command line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from netlab.engine.catalog import Catalog, Component
from netlab.engine.distributions import canonical
from netlab.engine.manager import PluginManager
from netlab.engine.plugin import Plugin
from netlab.errors import PluginError, UsageError, closest
from netlab.testing.checks import Check, NotApplicable, component_checks, make_subject
from netlab.testing.expected import matched_reasons

Values = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """A check and the component it is about: call it to run it."""

    check: Check
    component: Component
    values: Values

    @property
    def id(self) -> str:
        """``block-grouped-stride``."""
        return f"{self.component.kind}-{self.component.name}-{self.check.name}"

    @property
    def name(self) -> str:
        """``stride``."""
        return self.check.name

    def __call__(self) -> None:
        values = self.values() if callable(self.values) else self.values
        self.check(make_subject(self.component, values))


def bound_checks(component: Component, values: Values | None = None) -> Iterator[BoundCheck]:
    """Every check of a component. ``values`` are its options, or a function that makes them."""
    for check in component_checks(component.kind, component.manager.kinds):
        yield BoundCheck(check, component, values or {})


@dataclass(frozen=True, slots=True)
class HookCheck:
    """A check of a plugin that is told of runs or adds to the report: call it to run it."""

    plugin: Plugin
    name: str
    run: Callable[[], None]

    @property
    def id(self) -> str:
        """``hooks-mine-events``."""
        return f"hooks-{self.plugin.name}-{self.name}"

    def __call__(self) -> None:
        self.run()


def hook_checks(catalog: Catalog, distribution: str | None) -> list[HookCheck]:
    """Every check of the hooks of a distribution's plugins, or of all."""
    from netlab.testing.trackers import plugin_checks

    wanted = None if distribution is None else canonical(distribution)
    return [
        HookCheck(plugin, name, run)
        for plugin in catalog.manager.plugins
        if plugin.works and wanted in (None, plugin.distribution)
        for name, run in plugin_checks(plugin).items()
    ]


@functools.cache
def installed_catalog() -> Catalog:
    """The catalogue of this environment, loaded once for a test session."""
    return Catalog(PluginManager.from_environment())


def find_components(
    catalog: Catalog, *, distribution: str | None, kind: str | None, name: str | None
) -> list[Component]:
    """The components that match; ``name`` may hold wildcards.

    Raises:
        PluginError: a plugin of the distribution failed: nothing is left out silently.
        UsageError: nothing matches.
    """
    wanted = None if distribution is None else canonical(distribution)
    for failure in catalog.manager.failures:
        if wanted in (None, failure.distribution):
            raise PluginError(f"{failure}\n{failure.details}")
    found = [
        component
        for component in catalog
        if wanted in (None, component.plugin.distribution)
        and kind in (None, component.kind)
        and (name is None or fnmatchcase(component.name, name))
    ]
    if not found:
        installed = sorted({plugin.distribution for plugin in catalog.manager.plugins})
        raise UsageError(
            f"no component matches distribution={distribution!r}, kind={kind!r}, name={name!r}."
            f"{closest(wanted or '', installed)} Is the plugin installed (pip install -e .)?"
            f" Distributions with plugins: {', '.join(installed)}"
        )
    return found


def parametrize_checks(
    *,
    distribution: str | None = None,
    kind: str | None = None,
    name: str | None = None,
    options: Mapping[str, Values] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    catalog: Catalog | None = None,
) -> Any:
    """Parametrize a test over the checks of components: its argument ``check`` is called without arguments.

    Args:
        distribution, kind, name: which components; at least one matches, or collection fails.
        options: by component name, option values to build it with, or a function that makes them
            (called in the test); needed for options without a default.
        expected_failures: by the name of a check (``stride``), an id (``block-mine-stride``) or a pattern of
            ids (``*-gradients``), why it is known to fail. They are strict: a check that passes all the same
            fails the test.
        catalog: where the components are from; by default, what is installed.

    Raises:
        UsageError: no component, or an expected failure that names no check (with the closest).
        PluginError: a plugin failed.
    """
    import pytest

    catalog = catalog or installed_catalog()
    checks: list[BoundCheck | HookCheck] = []
    if kind is None and name is None:
        checks += hook_checks(catalog, distribution)
    try:
        components = find_components(catalog, distribution=distribution, kind=kind, name=name)
    except UsageError:
        if not checks:  # a plugin may have hooks and no component
            raise
        components = []
    for component in components:
        checks += bound_checks(component, (options or {}).get(component.name))
    reasons = matched_reasons({check.id: check.name for check in checks}, expected_failures or {})
    parameters = []
    for check in checks:
        marks = []
        if check.id in reasons:
            marks.append(pytest.mark.xfail(reason=reasons[check.id], strict=True))
        parameters.append(pytest.param(skipping(check), id=check.id, marks=marks))
    return pytest.mark.parametrize("check", parameters)


def skipping(check: BoundCheck | HookCheck) -> Callable[[], None]:
    """The check as a test's body: where it does not apply, the test is skipped with the reason."""

    def run() -> None:
        import pytest

        try:
            check()
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return run
