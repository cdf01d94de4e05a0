"""The recipe 'lean': it names all parts, each trick can be turned off, and both figures of several views are shown."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Cli

SMALL = ("--recipe", "lean", "--data.size", "24", "--width", "4", "--epochs", "1", "--batch-size", "128")
TRICKS_OFF = (
    "--no-whiten", "--no-backbone.dirac", "--no-block.dirac", "--norm.scale", "--optimizer", "sgd",
    "--label-smoothing", "0", "--activation", "relu", "--augment", "none", "--early-size", "0", "--shift", "0",
    "--logit-scale", "1",
)  # fmt: skip


def test_both_figures_are_shown_where_several_views_are_averaged(cli: Cli) -> None:
    shown = cli("run", "--name", "r", *SMALL)
    assert shown.code == 0
    result = json.loads(Path("runs/r/result.json").read_text())
    assert result["test_views"] == 3  # mirrored digits are no digits
    both = f"{result['test_accuracy']:.4f} by 3 views, {result['test_accuracy_single_view']:.4f} by one"
    assert both in " ".join(shown.out.split())
    found = json.loads(cli("eval", "--json").out)
    assert found["accuracy"] == pytest.approx(result["test_accuracy"], abs=0.02)  # float32 for bf16
    assert found["accuracy_single_view"] == pytest.approx(result["test_accuracy_single_view"], abs=0.02)
    assert "accuracy of one view" in cli("eval").out


def test_every_trick_can_be_turned_off_and_is_recorded(cli: Cli) -> None:
    config = tomllib.loads(cli("run", *SMALL, "--print-config").out)
    assert [config[kind]["name"] for kind in ("backbone", "block", "norm", "activation", "optimizer")] == [
        "lean", "conv", "bn", "silu", "muon",
    ]  # fmt: skip
    off = tomllib.loads(cli("run", *SMALL, *TRICKS_OFF, "--print-config").out)
    assert not off["backbone"]["whiten"]
    assert not off["backbone"]["dirac"]
    assert not off["block"]["dirac"]
    assert off["norm"]["scale"]
    assert (off["training"]["early_size"], off["training"]["shift"]) == (0, 0)
    assert off["optimizer"]["name"] == "sgd"
    plain = cli("run", "--name", "plain", *SMALL, *TRICKS_OFF)
    assert plain.code == 0
    assert "views" not in plain.out


def test_any_block_takes_part_and_a_norm_of_one_size_is_refused_with_what_to_do(cli: Cli) -> None:
    assert cli("run", *SMALL, "--block", "grouped", "--paths", "2", "--print-config").code == 0
    refused = cli("run", *SMALL, "--norm", "ln")
    assert refused.code == 2
    assert "--early-size 18: the network takes images of 24 pixels alone" in refused.err
    assert cli("run", *SMALL, "--norm", "ln", "--early-size", "0", "--print-config").code == 0
