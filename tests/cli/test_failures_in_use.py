"""Parts that break while they are used: who supplied them is named, the exit code is 3, the rest is kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Install, sound
from tests.conftest import Cli

BLOCK = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, in_channels, out_channels, *, size, norm, activation, options):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x):
        {forward}
        return self.convolution(x)
"""


def block(install: Install, forward: str) -> None:
    install("odd-block", sound("odd", target="odd_code:Block"), odd_code=BLOCK.format(forward=forward))


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        ("raise KeyError('inner')", "failed: KeyError: 'inner'"),
        ("return self.convolution(x[:, 0])", "failed: RuntimeError"),
        ("return self.convolution(x)[:, :, 1:]", "broke its contract: its forward made torch.float32 (1, "),
        ("return self.convolution(x).double()", "broke its contract: its forward made torch.float64"),
        ("return x, x", "broke its contract: its forward made tuple"),
    ],
)
def test_a_block_whose_forward_fails_or_gives_another_shape_is_named_before_training(
    cli: Cli, install: Install, tiny: tuple[str, ...], forward: str, message: str
) -> None:
    block(install, forward)
    outcome = cli("run", *tiny, "--block", "odd")
    assert outcome.code == 3
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith(f"netlab: error: block 'odd' of odd-block 1.0 {message}")


def test_a_forward_that_fails_only_in_training_is_named_too(
    cli: Cli, install: Install, tiny: tuple[str, ...]
) -> None:
    block(install, "if self.training: x = x + torch.zeros(7, 7)")
    outcome = cli("run", *tiny, "--block", "odd", "--quiet")
    assert outcome.code == 3
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith("netlab: error: block 'odd' of odd-block 1.0 failed: RuntimeError: The size of")
    assert "Traceback" in cli("--debug", "run", *tiny, "--block", "odd").err


def test_a_component_that_gives_no_module_is_named(cli: Cli, install: Install) -> None:
    install("thing", sound("thing") + "\n\ndef part(*arguments, **keywords):\n    return 'a block'\n")
    outcome = cli("summary", "--block", "thing")
    assert outcome.code == 3
    assert "block 'thing' of thing 1.0 broke its contract: it gave str, not an nn.Module" in outcome.err


METRIC = """
import numpy as np
from netlab.kinds.metric import MetricResult

def measure(space, *, options):
    {body}
"""
FILES = ("--features", "x.npy", "--labels", "y.npy")


def metric(install: Install, body: str) -> None:
    code = sound("odd", kind="metric", target="odd_metric:measure").replace(
        "options=None", 'tags=frozenset({"range:0:1"})'
    )
    install("odd-metric", code, odd_metric=METRIC.format(body=body))
    generator = np.random.default_rng(0)
    np.save("x.npy", generator.normal(size=(40, 3)).astype(np.float32))
    np.save("y.npy", np.array(["cat", "dog"])[generator.integers(0, 2, 40)])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('inner')", "failed: KeyError: 'inner'"),
        ("space.neighbours.nearest.own[:] = 0", "failed: ValueError: assignment destination is read-only"),
        ("return 0.5", "broke its contract: it gave float, not MetricResult"),
        ("return MetricResult(1.7)", "its value 1.7 is not in the range from 0 to 1 that it declares"),
        ("return MetricResult(float('nan'))", "its value is nan, and no note says why"),
        ("return MetricResult('good')", "its value is str, not a number"),
        (
            "return MetricResult(.5, standard_error=-1.0)",
            "its standard_error is -1.0, expected a number from 0",
        ),
        ("return MetricResult(.5, per_class={'owl': 1.0})", "per_class has 'owl', which is no class name"),
        ("return MetricResult(.5, per_point=np.zeros(7))", "per_point has shape (7,), expected (40,)"),
        ("return MetricResult(.5, notes='a text')", "notes is 'a text', expected a tuple of texts"),
        ("return MetricResult(.5, extra=[1])", "extra is list, not a mapping"),
    ],
)
def test_a_metric_that_fails_leaves_an_empty_cell_and_the_others_their_values(
    cli: Cli, install: Install, body: str, message: str
) -> None:
    metric(install, body)
    Path("out").mkdir()
    outcome = cli("metrics", "si", "odd", "csi", *FILES, "--out", "out", "--no-plots", "--json")
    assert outcome.code == 3
    assert "metric 'odd' of odd-metric 1.0" in outcome.err
    assert message in outcome.err
    (layer,) = json.loads(outcome.out)["layers"]
    assert layer["metrics"]["odd"]["value"] is None
    assert message in layer["metrics"]["odd"]["notes"][0]
    assert 0 <= layer["metrics"]["si"]["value"] <= 1
    with Path("out/separability.csv").open() as file:
        values = {row["metric"]: row["value"] for row in csv.DictReader(file)}
    assert values["odd"] == ""
    assert values["si"]
    assert values["csi"]


def test_a_metric_that_is_not_defined_here_is_a_note_and_no_failure(cli: Cli, install: Install) -> None:
    metric(install, "raise ValueError('this needs three classes')")
    outcome = cli("metrics", "si", "odd", "linear-cka", "cross-si", *FILES)
    assert outcome.code == 0, outcome.err
    assert "odd: this needs three classes" in outcome.out
    assert "linear-cka: it compares layers" in outcome.out
    alone = cli("metrics", "odd", *FILES)
    assert alone.code == 2, "nothing was measured"
    assert "metric 'odd': this needs three classes" in alone.err


PROPOSER = """
import numpy as np
from netlab.kinds.proposer import Proposals

def part(image, *, limit, seed, options):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('inner')", "failed: KeyError: 'inner'"),
        ("return [[0, 0, 9, 9]]", "broke its contract: it gave list, not Proposals"),
        ("return Proposals(np.zeros((1, 4)), np.zeros(1))", "boxes are float64, expected a float32 array"),
    ],
)
def test_a_proposer_that_fails_or_gives_something_else_is_named(
    cli: Cli, install: Install, body: str, message: str
) -> None:
    import cv2

    install("odd-proposer", sound("odd", kind="proposer", target="odd_proposer:part"),
            odd_proposer=PROPOSER.format(body=body))  # fmt: skip
    cv2.imwrite("a.png", np.zeros((40, 50, 3), np.uint8))
    outcome = cli("detect", "proposals", "a.png", "--proposer", "odd", "--json")
    assert outcome.code == 3
    assert "proposer 'odd' of odd-proposer 1.0" in outcome.err
    assert message in outcome.err
