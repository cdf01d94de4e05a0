"""Checks of recipes. Contract: ``netlab.kinds.recipe``."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from netlab.classification.settings import make_settings
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError, first_line
from netlab.kinds.recipe import DataFacts
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.fresh import fresh

FACTS = (
    DataFacts(training_images=2, image_size=(1, 1), classes=2),
    DataFacts(training_images=40, image_size=(8, 8), classes=2),
    DataFacts(training_images=1295, image_size=(32, 32), classes=10),
    DataFacts(training_images=1_200_000, image_size=(224, 320), classes=1000),
)
ONE_PART = ("backbone", "block", "norm", "activation", "optimizer", "schedule", "loss")
TABLES = (*ONE_PART, "augment", "training")


def tables(subject: Subject, facts: DataFacts) -> Mapping[str, Any]:
    """What the recipe gives for a data set."""
    given = subject.build(facts)
    expect(isinstance(given, Mapping), f"it gave {type(given).__name__}, not a mapping of tables")
    assert isinstance(given, Mapping)
    return given


def rows_of(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every table with its name, those of ``augment`` one by one."""
    for name, value in given.items():
        expect(name in TABLES, f"there is no table '{name}'; known: {', '.join(TABLES)}")
        rows = value if name == "augment" else [value]
        expect(isinstance(rows, (list, tuple)), "'augment' is a list of tables, in order")
        for row in rows:
            expect(isinstance(row, Mapping), f"in '{name}' stands {type(row).__name__}, not a table")
            yield name, row


def exercise(subject: Subject) -> None:
    """The tables for data sets of all sizes."""
    for facts in FACTS:
        list(rows_of(tables(subject, facts)))


def known_tables(subject: Subject) -> None:
    """Every table is known, names its part, and ``augment`` is a list of such tables."""
    for facts in FACTS:
        for name, row in rows_of(tables(subject, facts)):
            expect(
                name == "training" or isinstance(row.get("name"), str),
                f"a table of '{name}' does not name its part",
            )


def known_values(subject: Subject) -> None:
    """Parts, their options and the settings of training exist, and accept the values."""
    catalog = Catalog(subject.component.manager)
    # A detector's backbone is an extractor: of two kinds with one selector, the first is a network's.
    kinds = {kind.selector: kind.name for kind in reversed(subject.component.manager.kinds.values())}
    for facts in FACTS:
        for name, row in rows_of(tables(subject, facts)):
            given = f"for {facts.training_images} images of {facts.image_size}, [{name}]"
            try:
                if name == "training":
                    make_settings(row)
                elif "name" in row:
                    part = catalog.find(kinds[name], row["name"])
                    part.make_options({key: value for key, value in row.items() if key != "name"})
            except NetlabError as error:
                raise ConformanceError(f"{given}: {first_line(error)}") from error


def pure(subject: Subject) -> None:
    """The same facts give the same values, whatever was asked before and done with the answer."""
    first = [copy.deepcopy(dict(fresh(subject)(facts))) for facts in FACTS]
    for _ in range(2):
        for facts, expected in zip(FACTS, first, strict=True):
            given = tables(subject, facts)
            expect(dict(given) == expected, f"two calls for {facts} gave different values")
            for _, row in rows_of(given):
                if isinstance(row, dict):
                    row["netlab_checks"] = "changed"


def plain(subject: Subject) -> None:
    """Values are what a TOML file holds: texts, numbers, switches, lists and tables."""
    import tomli_w

    for facts in FACTS:
        try:
            tomli_w.dumps(dict(tables(subject, facts)))
        except TypeError as error:
            raise ConformanceError(f"the values can not be written to config.toml: {error}") from error


CHECKS = (*exercised(exercise), known_tables, known_values, pure, plain)
