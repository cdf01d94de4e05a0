"""``netlab summary``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        ("--block residual --norm none", 1_710_794),
        ("--block residual --norm bn", 1_713_034),
        ("--block residual --norm gn", 1_713_034),
        ("--block residual --norm ln", 2_087_626),
        ("--block residual --no-skip", 1_710_794),
        ("--block residual --expand 1x1", 1_645_258),
        ("--block grouped --paths 2", 2_964_810),
        ("--block grouped --paths 4", 5_472_842),
    ],
)
def test_the_eight_variants_of_the_report(cli: Cli, words: str, parameters: int) -> None:
    shown = json.loads(cli("summary", *words.split(), "--json").out)
    assert shown["parameters"] == parameters
    assert sum(layer["parameters"] for layer in shown["layers"]) == parameters
    assert shown["layers"][0].keys() == {"name", "type", "output", "parameters", "macs"}


def test_the_table_fits_80_columns_and_has_the_total(cli: Cli) -> None:
    shown = cli("summary", "--block", "grouped", "--paths", "4", "--norm", "bn").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "5,478,922" in shown


def test_a_data_set_gives_image_size_and_classes(cli: Cli) -> None:
    shown = json.loads(cli("summary", "--data", "digits", "--json").out)
    assert shown["layers"][0]["parameters"] == 32 * 9 + 32  # one grey channel
    assert shown["layers"][-1]["output"] == [10]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "32x32"], "expected CHANNELSxHEIGHTxWIDTH"),
        (["--input", "3x0x32"], "expected CHANNELSxHEIGHTxWIDTH"),
        (["--input", "3x16x16"], "too small"),
    ],
)
def test_a_wrong_input_is_refused(cli: Cli, words: list[str], message: str) -> None:
    outcome = cli("summary", *words)
    assert outcome.code == 2
    assert message in outcome.err
