"""Keywords mean what the flags of the same name mean."""

from __future__ import annotations

from typing import Any

import pytest

import netlab
from netlab.cli.app import main
from netlab.errors import UsageError

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"block": "residual", "paths": 4}, "paths belongs to block 'grouped'; you chose block 'residual'"),
    ({"groups": 4}, "groups belongs to norm 'gn'; you chose norm 'none' (choose it with norm='gn')"),
    ({"block": "gruoped"}, "there is no block 'gruoped'. Did you mean 'grouped'?"),
    ({"block": "grouped", "pahts": 4}, "there is no option pahts. Did you mean 'paths'?"),
    ({"block": "grouped", "blok__paths": 4}, "there is no option blok__paths. Did you mean 'block__paths'"),
    (
        {"block": "grouped", "paths": 99},
        "block 'grouped', option 'paths'",
    ),
    ({"block": "grouped", "paths": 3, "block__paths": 4}, "block__paths is given twice"),
    ({"block": 3}, "block must be the name of a block, not 3"),
    ({"input": (3, 32)}, "input must be (channels, height, width), such as (3, 32, 32), not (3, 32)"),
    ({"seed": "x"}, "seed must be a whole number, not 'x'"),
    ({"classes": 0}, "classes must be a whole number of at least 1, not 0"),
]


@pytest.mark.parametrize(("keywords", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_said_in_one_line(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        netlab.assemble(**keywords)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["paths", "block__paths", "block.paths"])
def test_an_option_has_a_short_and_a_long_form(name: str) -> None:
    network = netlab.assemble(block="grouped", input=(1, 24, 24), width=4, **{name: 3})
    by_default = netlab.assemble(block="grouped", input=(1, 24, 24), width=4)
    assert sum(p.numel() for p in network.parameters()) > sum(p.numel() for p in by_default.parameters())


def test_a_short_name_that_two_metrics_have_is_refused_with_both_long_ones() -> None:
    points, labels = [[0.0], [1.0], [5.0], [6.0]], list("aabb")
    with pytest.raises(UsageError) as raised:
        netlab.feature_separability(points, labels, metrics=["high-order-si", "soft-si"], order=1)
    assert str(raised.value) == (
        "order could be 'high_order_si__order' (metric 'high-order-si') or 'soft_si__order' (metric 'soft-si'):"
        " write the long form"
    )
    found = netlab.feature_separability(
        points, labels, metrics=["high-order-si", "soft-si"], soft_si__order=1
    )
    assert found["soft-si"].value == 1.0


@pytest.mark.parametrize(
    ("words", "keywords"),
    [
        (["--block", "residual", "--paths", "4"], {"block": "residual", "paths": 4}),
        (["--norm", "bn", "--groups", "4"], {"norm": "bn", "groups": 4}),
    ],
)
def test_the_command_line_says_the_same_of_the_same_mistake(
    words: list[str], keywords: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["summary", *words])
    with pytest.raises(UsageError) as raised:
        netlab.assemble(**keywords)
    said = capsys.readouterr().err.partition("error: ")[2].partition(" (choose")[0]
    assert said == "--" + str(raised.value).partition(" (choose")[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: netlab.si_score([[0.0], [1.0]], ["a"]), "there are 2 points but 1 labels"),
        (lambda: netlab.csi_score("abc", ["a"]), "expected a matrix of real numbers"),
        (lambda: netlab.feature_separability([[0.0], [1.0]]), "metric 'si' needs labels"),
        (lambda: netlab.feature_separability([[0.0]], ["a"], metrics=()), "name at least one metric"),
        (lambda: netlab.feature_separability([[0.0]], ["a"], metrics=["si", "si"]), "'si' is named twice"),
        (lambda: netlab.feature_separability([[0.0]], ["a"], metrics="cross-si"), "give reference="),
        (lambda: netlab.feature_separability([[0.0]], ["a"], metrics="linear-cka"), "compares layers"),
        (lambda: netlab.parts("blok"), "there is no kind 'blok'. Did you mean 'block'?"),
        (lambda: netlab.train(data="digts"), "there is no dataset 'digts'. Did you mean 'digits'?"),
        (lambda: netlab.train(name=""), "a name is one folder's name"),
        (lambda: netlab.train(epochs="three"), "--epochs three"),
    ],
)
def test_wrong_calls_are_usage_errors_of_one_line(call: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        call()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
