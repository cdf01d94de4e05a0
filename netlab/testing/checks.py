"""What a check is, and which checks a kind has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netlab.engine.catalog import Component
from netlab.errors import UsageError, closest, first_line
from netlab.kinds import KINDS
from netlab.specs import KindSpec, load_target
from netlab.testing.surroundings import restored


class ConformanceError(AssertionError):
    """A component breaks its contract. The message says what was expected and what came."""


class NotApplicable(Exception):  # noqa: N818 - not an error
    """A check says nothing about this component; the message says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A component under test, and the option values it is built with (the rest are defaults)."""

    component: Component
    values: Mapping[str, Any]

    @property
    def options(self) -> Any:
        """The component's options.

        Raises:
            NotApplicable: an option has no default and no value was given.
        """
        model = self.component.options_model()
        given = {**self.component.preset, **self.values}
        if model is not None:
            for name, field in model.model_fields.items():
                if field.is_required() and name not in given:
                    raise NotApplicable(f"option '{name}' has no default and was not given")
        return self.component.make_options(self.values)

    def build(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the component with its options."""
        return self.component.build(*arguments, **keywords, options=self.options)


CheckFunction = Callable[[Subject], None]


@dataclass(frozen=True, slots=True)
class Check:
    """One named check: ``function(subject)`` returns, or raises what is wrong."""

    name: str
    function: CheckFunction

    @property
    def summary(self) -> str:
        """What the check demands, in one line."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    def __call__(self, subject: Subject) -> None:
        """Run it. What the part leaves changed around it is put back, so that no other check meets it.

        Raises:
            ConformanceError: what was wrong and what was expected, whatever the part raised.
            NotApplicable: it says nothing about this part.
        """
        try:
            with restored():
                self.function(subject)
        except NotApplicable:
            raise
        except Exception as error:
            wrong = str(error) if isinstance(error, ConformanceError) else first_line(error)
            expected = self.summary.removesuffix(".").replace("``", "'")
            raise ConformanceError(f"{wrong} (expected: {expected})") from error


def component_checks(kind: str, kinds: Mapping[str, KindSpec] = KINDS) -> tuple[Check, ...]:
    """The checks of a kind: those of every kind, then its own. ``kinds`` are netlab's and plugins' own.

    Raises:
        UsageError: there is no such kind (with the closest).
    """
    if kind not in kinds:
        raise UsageError(f"there is no kind '{kind}'.{closest(kind, kinds) or ' Known: ' + ', '.join(kinds)}")
    targets = ["netlab.testing.every_kind:CHECKS", kinds[kind].checks]
    return tuple(
        Check(function.__name__.replace("_", "-"), function)
        for target in targets
        if target is not None
        for function in load_target(target)
    )


def make_subject(component: Component, values: Mapping[str, Any] | None = None) -> Subject:
    """A component with option values, ready to be checked."""
    return Subject(component, dict(values or {}))


def expect(holds: object, message: str) -> None:
    """Raise ``ConformanceError(message)`` unless ``holds``."""
    if not holds:
        raise ConformanceError(message)
