"""A grid gives every combination that means something, once."""

from __future__ import annotations

from typing import Any

import pytest

from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.sweep.grid import count_combinations, expand


def combinations(catalog: Catalog, tables: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (
            candidate.components["block"].name,
            candidate.given.get("block", {}).get("paths"),
            candidate.components["norm"].name,
            candidate.given["training"].get("seed"),
        )
        for candidate in expand(catalog, tables)
    ]


def test_an_option_multiplies_only_the_parts_that_have_it(catalog: Catalog) -> None:
    tables = {
        "block": {"name": ["residual", "grouped"], "paths": [1, 2, 4]},
        "norm": {"name": ["none", "bn"]},
        "training": {"seed": [0, 1]},
    }
    found = combinations(catalog, tables)
    assert len(found) == (1 + 3) * 2 * 2
    assert len(set(found)) == len(found)
    assert {paths for block, paths, _, _ in found if block == "residual"} == {None}
    assert {paths for block, paths, _, _ in found if block == "grouped"} == {1, 2, 4}
    assert count_combinations(catalog, tables) == 2 * 3 * 2 * 2


def test_seeds_vary_fastest(catalog: Catalog) -> None:
    found = expand(catalog, {"training": {"seed": [0, 1], "lr": [0.1, 0.2]}})
    assert [(c.given["training"]["lr"], c.given["training"]["seed"]) for c in found] == [
        (0.1, 0),
        (0.1, 1),
        (0.2, 0),
        (0.2, 1),
    ]


def test_a_single_value_needs_no_list(catalog: Catalog) -> None:
    assert combinations(catalog, {"block": {"name": "grouped", "paths": 4}}) == [("grouped", 4, "none", None)]


def test_an_option_that_holds_a_list_is_one_value(catalog: Catalog) -> None:
    tables = {"data": {"name": "npz", "path": "x.npz", "augmentations": ["translation", "rotation"]}}
    (candidate,) = expand(catalog, tables)
    assert candidate.given["data"]["augmentations"] == ["translation", "rotation"]
    tables["data"]["augmentations"] = [["translation"], ["rotation"], []]
    assert len(expand(catalog, tables)) == 3


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"blok": {"name": "residual"}}, "no table \\[blok\\].* 'block'"),
        ({"block": {"name": ["residual", "groupd"]}}, "no block 'groupd'.* 'grouped'"),
        ({"block": {"name": ["residual", "grouped"], "pats": [1]}}, "have no option 'pats'.* 'paths'"),
        ({"block": {"name": "residual", "paths": [1]}}, "block 'residual' has no option 'paths'"),
        ({"norm": {"name": []}}, "empty list"),
        ({"training": {"lr": []}}, "empty list"),
    ],
)
def test_what_does_not_fit_is_named(catalog: Catalog, tables: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand(catalog, tables)
