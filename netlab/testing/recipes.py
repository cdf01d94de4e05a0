"""Checks of recipes. Contract: ``netlab.kinds.recipe``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlab.kinds.recipe import DataFacts
from netlab.testing.checks import Subject, expect

FACTS = (
    DataFacts(training_images=40, image_size=(8, 8), classes=2),
    DataFacts(training_images=1295, image_size=(32, 32), classes=10),
    DataFacts(training_images=1_200_000, image_size=(224, 320), classes=1000),
)
ONE_PART = ("optimizer", "schedule", "loss")
TABLES = (*ONE_PART, "augment", "training")


def tables(subject: Subject, facts: DataFacts) -> Mapping[str, Any]:
    """What the recipe gives for a data set."""
    given = subject.build(facts)
    expect(isinstance(given, Mapping), f"it gave {type(given).__name__}, not a mapping of tables")
    assert isinstance(given, Mapping)
    return given


def known_tables(subject: Subject) -> None:
    """Every table is known, names its part, and ``augment`` is a list of such tables."""
    for facts in FACTS:
        given = tables(subject, facts)
        for name, value in given.items():
            expect(name in TABLES, f"there is no table '{name}'; known: {', '.join(TABLES)}")
            rows = value if name == "augment" else [value]
            expect(isinstance(rows, (list, tuple)), "'augment' is a list of tables, in order")
            for row in rows:
                expect(isinstance(row, Mapping), f"in '{name}' stands {type(row).__name__}, not a table")
                expect(
                    name == "training" or isinstance(row.get("name"), str),
                    f"a table of '{name}' does not name its part",
                )


def pure(subject: Subject) -> None:
    """The same facts give the same values."""
    for facts in FACTS:
        first, second = tables(subject, facts), tables(subject, facts)
        expect(first == second, f"two calls for {facts} gave different values")


CHECKS = (known_tables, pure)
