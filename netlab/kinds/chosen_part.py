"""An option of a part that names a part of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ChosenPart:
    """A part that an option names, with its options bound: call it as the contract of its kind says.

    In an options model, the option also says the kind::

        attention: Annotated[ChosenPart, PartOf("attention")] = Field("eca", validate_default=True)

    A text is the part's name; a table is its ``name`` and its options, as in ``config.toml``. netlab finds
    the part and checks its options before the component is built; until then it can not be called.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    target: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the part gives: its options are passed as ``options``."""
        if self.target is None:
            raise TypeError(f"part '{self.name}' is not bound: make the options with netlab")
        return self.target(*arguments, **keywords)

    @classmethod
    def of(cls, value: Any) -> ChosenPart:
        """The part that a text or a table names.

        Raises:
            ValueError: it is neither.
        """
        if isinstance(value, ChosenPart):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return cls(value["name"], {key: item for key, item in value.items() if key != "name"})
        raise ValueError("expected the name of a part, or a table with its name and its options")

    def table(self) -> dict[str, Any]:
        """Name and options, as in ``config.toml``."""
        return {"name": self.name, **self.options}

    def __reduce__(self) -> tuple[Any, ...]:
        # What it is bound to stays in its process: a copy is bound anew.
        return ChosenPart, (self.name, dict(self.options))

    def __deepcopy__(self, memo: dict[int, Any]) -> ChosenPart:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls.of, serialization=core_schema.plain_serializer_function_ser_schema(cls.table)
        )
