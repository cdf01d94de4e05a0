"""``netlab metrics`` from the command line: what it measures, prints, writes and refuses."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netlab.separability import si_score
from tests.conftest import unlisted

Cli = Callable[..., Any]


@pytest.fixture
def arrays(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = (rng.normal(size=(3, 4))[y] + rng.normal(size=(60, 4))).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.array(["cat", "dog", "owl"])[y])
    np.save(tmp_path / "t.npy", x[:, 0])
    return x, y


FILES = ("--features", "x.npy", "--labels", "y.npy")


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open() as file:
        return list(csv.DictReader(file))


class TestRun:
    @pytest.fixture
    def run(self, cli: Cli, tiny: tuple[str, ...]) -> Cli:
        outcome = cli("run", "--norm", "bn", "--name", "first", *tiny)
        assert outcome.code == 0, outcome.err
        return cli

    def test_an_arrow_shows_which_way_a_metric_is_better(self, run: Cli) -> None:
        outcome = run("metrics", "si", "anti-si", "intrinsic-dimension", "--layers", "avgpool")
        assert re.search(r"si ↑ +si ↑ +anti-si ↓", outcome.out)
        assert re.search(r"intrinsic-dimension *$|intrinsic-dimension  ", outcome.out, re.MULTILINE)
        assert "↑ higher is better, ↓ lower is better" in outcome.out
        better = {row["metric"]: row["better"] for row in rows_of("runs/first/separability.csv")}
        assert better == {"si": "higher", "anti-si": "lower", "intrinsic-dimension": "neither"}
        compared = run("compare", "first", "--metrics", "anti-si").out
        assert "ANTI-SI of the last layer, test ↓" in compared
        assert "test accuracy ↑" in compared
        assert run("report", "first").code == 0
        page = Path("report.html").read_text()
        assert "SI test ↑" in page
        assert "ANTI-SI ↓" in page or r"ANTI-SI \u2193" in page

    def test_every_layer_is_measured_in_the_order_of_execution_on_both_splits(self, run: Cli) -> None:
        outcome = run("metrics", "si", "csi")
        assert outcome.code == 0, outcome.err
        rows = rows_of("runs/first/separability.csv")
        assert list(rows[0]) == [
            "layer", "split", "metric", "better", "value", "standard_error", "low", "high", "points", "features",
        "seconds",
        ]  # fmt: skip
        layers = list(dict.fromkeys(row["layer"] for row in rows))
        assert layers[:4] == ["conv1", "norm1", "activation1", "conv2"]
        assert layers.index("maxpool2") > layers.index("conv3")
        assert layers[-1] == "avgpool"
        assert len(rows) == len(layers) * 4
        # 1,437 training images less 10 % for validation, of which a tenth; 360 test images.
        assert {(row["split"], row["points"]) for row in rows} == {("train", "129"), ("test", "37")} or {
            row["split"] for row in rows
        } == {"train", "test"}
        value = {(row["layer"], row["split"], row["metric"]): row["value"] for row in rows}
        for split in ("train", "test"):  # an affine map per channel, standardized away
            for metric in ("si", "csi"):
                assert value["norm1", split, metric] == value["conv1", split, metric]
        for name in ("si", "csi"):
            for suffix in ("png", "svg"):
                assert Path(f"runs/first/plots/separability-{name}.{suffix}").stat().st_size > 5000
        assert max(map(len, outcome.out.splitlines())) <= 80
        assert "GFLOP" in outcome.err
        assert "1 pass over the images" in outcome.err

    def test_measurements_of_other_weights_are_replaced(self, run: Cli, tiny: tuple[str, ...]) -> None:
        run("metrics", "si", "--layers", "conv*", "--no-plots")
        outcome = run("run", "--norm", "bn", "--name", "second", "--seed", "5", *tiny)
        assert outcome.code == 0, outcome.err
        weights = Path("runs/second/checkpoints/best.safetensors").read_bytes()
        (unlisted(Path("runs/first")) / "checkpoints/best.safetensors").write_bytes(weights)
        assert run("metrics", "csi", "--run", "first", "--layers", "conv*", "--no-plots").code == 0
        assert {row["metric"] for row in rows_of("runs/first/separability.csv")} == {"csi"}

    def test_a_second_metric_joins_the_first_only_under_the_same_settings(self, run: Cli) -> None:
        run("metrics", "si", "--run", "first", "--no-plots")
        run("metrics", "cross-si", "--run", "runs/first", "--layers", "conv*", "--no-plots")
        rows = rows_of("runs/first/separability.csv")
        assert {row["metric"] for row in rows} == {"si", "cross-si"}
        assert [row["layer"] for row in rows if row["metric"] == "cross-si"] == [
            "conv1",
            "conv2",
            "conv3",
            "conv4",
        ]
        assert {row["split"] for row in rows if row["metric"] == "cross-si"} == {"test"}
        layers = list(dict.fromkeys(row["layer"] for row in rows))
        assert layers[:3] == ["conv1", "norm1", "activation1"]
        run("metrics", "csi", "--fraction", "0.2", "--layers", "avgpool", "--no-plots")
        assert {row["metric"] for row in rows_of("runs/first/separability.csv")} == {"csi"}

    def test_values_of_points_carry_the_images_indices(self, run: Cli) -> None:
        outcome = run(
            "metrics", "si", "--layers", "avgpool", "--split", "test", "--per-point", "points.csv", "--json"
        )
        document = json.loads(outcome.out)
        assert [layer["split"] for layer in document["layers"]] == ["test"]
        points = rows_of("points.csv")
        assert len(points) == document["layers"][0]["points"]
        values = [float(row["si"]) for row in points]
        assert np.mean(values) == pytest.approx(document["layers"][0]["metrics"]["si"]["value"])
        assert len({row["point"] for row in points}) == len(points)

    def test_little_memory_means_more_passes_and_the_same_values(self, run: Cli) -> None:
        whole = json.loads(run("metrics", "si", "--json").out)["layers"]
        outcome = run("metrics", "si", "--json", "--memory", "264M")
        assert " passes over the images" in outcome.err
        assert [layer["metrics"]["si"]["value"] for layer in json.loads(outcome.out)["layers"]] == [
            layer["metrics"]["si"]["value"] for layer in whole
        ]
        assert "MiB of memory" in run("metrics", "si", "--memory", "1M").err

    def test_unknown_layers_runs_and_damaged_runs_are_one_line(self, run: Cli) -> None:
        outcome = run("metrics", "si", "--layers", "cnv1")
        assert outcome.code == 2
        assert "no layer 'cnv1'. Did you mean 'conv1'" in outcome.err
        outcome = run("metrics", "si", "--run", "firts")
        assert outcome.code == 2
        assert "Did you mean 'first'" in outcome.err
        Path("runs/first/checkpoints/best.safetensors").unlink()
        outcome = run("metrics", "si", "--run", "first")
        assert outcome.code == 2
        assert "no checkpoint" in outcome.err


def test_without_a_run_it_says_so(cli: Cli) -> None:
    outcome = cli("metrics", "si")
    assert outcome.code == 2
    assert "no finished run" in outcome.err


def test_features_from_files_give_one_layer(cli: Cli, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = arrays
    outcome = cli("metrics", "si", "csi", *FILES, "--json")
    (layer,) = json.loads(outcome.out)["layers"]
    assert (layer["name"], layer["points"], layer["features"]) == ("features", 60, 4)
    si = layer["metrics"]["si"]
    assert si["value"] == si_score(x, y)
    assert si.keys() >= {"value", "standard_error", "low", "high", "per_class", "notes"}
    assert set(si["per_class"]) == {"cat", "dog", "owl"}
    scaled = json.loads(cli("metrics", "si", *FILES, "--standardize", "--json").out)["layers"][0]
    assert scaled["metrics"]["si"]["value"] == si_score(x, y, standardize=True)


def test_processes_share_the_points_out_and_the_value_is_the_same(cli: Cli, arrays: Any) -> None:
    alone = json.loads(cli("metrics", "si", "csi", *FILES, "--standardize", "--json").out)
    shared = cli(
        "metrics", "si", "csi", *FILES, "--standardize", "--json", "--executor", "local", "--workers", "1"
    )
    assert shared.code == 0, shared.err
    for name, measured in alone["layers"][0]["metrics"].items():
        found = json.loads(shared.out)["layers"][0]["metrics"][name]
        assert {**found, "seconds": 0} == {**measured, "seconds": 0}


def test_a_worker_needs_a_little_memory(cli: Cli, arrays: Any) -> None:
    outcome = cli("metrics", "si", *FILES, "--executor", "local", "--workers", "1", "--memory", "110M")
    assert outcome.code == 1
    assert "110 MiB for a worker are too little" in outcome.err


def test_options_bear_the_metric_s_name(cli: Cli, arrays: Any) -> None:
    words = ("metrics", "high-order-si", "soft-si", *FILES, "--json")
    long = json.loads(cli(*words, "--high-order-si.order", "3", "--soft-si.order", "5").out)
    other = json.loads(cli(*words, "--high-order-si.order", "1", "--soft-si.order", "1").out)
    assert (
        long["layers"][0]["metrics"]["soft-si"]["value"] != other["layers"][0]["metrics"]["soft-si"]["value"]
    )
    outcome = cli(*words, "--order", "3")
    assert outcome.code == 2
    assert "'--high-order-si.order'" in outcome.err
    one = json.loads(cli("metrics", "soft-si", *FILES, "--json", "--order", "5").out)
    assert one["layers"][0]["metrics"]["soft-si"] | {"seconds": 0} == (
        long["layers"][0]["metrics"]["soft-si"] | {"seconds": 0}
    )


def test_cross_metrics_and_smoothness_take_their_files(cli: Cli, arrays: Any) -> None:
    outcome = cli(
        "metrics",
        "cross-si",
        *FILES,
        "--reference-features",
        "x.npy",
        "--reference-labels",
        "y.npy",
        "--json",
    )
    assert json.loads(outcome.out)["layers"][0]["metrics"]["cross-si"]["value"] == 1
    outcome = cli(
        "metrics", "smi", "intrinsic-dimension", "--features", "x.npy", "--targets", "t.npy", "--json"
    )
    assert 0 < json.loads(outcome.out)["layers"][0]["metrics"]["smi"]["value"] <= 1


def test_a_fraction_or_a_sample_of_queries_is_printed(cli: Cli, arrays: Any) -> None:
    outcome = cli("metrics", "si", *FILES, "--fraction", "0.5")
    assert "30 points, a stratified 0.5 (seed 0)" in outcome.out
    outcome = cli("metrics", "si", *FILES, "--sample-queries", "20")
    assert "estimated from 20 of 60 points as queries" in outcome.out


def test_classes_and_points_can_be_shown(cli: Cli, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    outcome = cli("metrics", "si", *FILES, "--per-class", "--per-point", "points.csv")
    for name in ("cat", "dog", "owl"):
        assert f"\n{name} " in outcome.out
    rows = rows_of("points.csv")
    assert [row["label"] for row in rows] == [("cat", "dog", "owl")[k] for k in arrays[1]]


def test_results_go_to_a_folder_that_is_named(cli: Cli) -> None:
    Path("there").mkdir()
    outcome = cli("metrics", "si", "--data", "digits", "--out", "there", "--fraction", "0.05")
    assert outcome.code == 0, outcome.err
    assert [(row["layer"], row["split"]) for row in rows_of("there/separability.csv")] == [
        ("pixels", "train"), ("pixels", "test"),
    ]  # fmt: skip


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.last = nn.Linear(12, 10)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.act = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.act(self.pool(self.act(self.conv(x)))).flatten(1))


def test_any_network_from_a_factory_and_its_weights(cli: Cli) -> None:
    words = (
        "metrics",
        "si",
        "--model",
        f"{__name__}:Small",
        "--data",
        "digits",
        "--fraction",
        "0.05",
        "--json",
    )
    outcome = cli(*words)
    assert outcome.code == 0, outcome.err
    layers = json.loads(outcome.out)["layers"]
    assert [layer["name"] for layer in layers if layer["split"] == "test"] == [
        "conv",
        "act",
        "pool",
        "act:2",
        "last",
    ]
    torch.save({"state_dict": Small().state_dict()}, "w.pt")
    assert (
        json.loads(cli(*words, "--weights", "w.pt").out)["layers"][0]["metrics"]["si"]["value"]
        == (layers[0]["metrics"]["si"]["value"])
    )
    torch.save({"conv.weight": torch.zeros(3, 3, 3, 3)}, "part.pt")
    assert "lacks 'last.weight'" in cli(*words, "--weights", "part.pt").err
    torch.save(Small(), "whole.pt")
    outcome = cli(*words, "--weights", "whole.pt")
    assert outcome.code == 2
    assert "holds no weights alone" in outcome.err


def test_torchvision_networks_by_name(cli: Cli) -> None:
    outcome = cli(
        "metrics", "si", "--model", "torchvision:squeezenet1_1", "--data", "digits", "--fraction", "0.03",
        "--layers", "features.1[01]", "--image-size", "48", "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    names = [layer["name"] for layer in json.loads(outcome.out)["layers"]]
    assert names == ["features.10", "features.10", "features.11", "features.11"]


def test_the_list_describes_every_metric(cli: Cli, catalog: Any) -> None:
    listed = json.loads(cli("metrics", "--list", "--json").out)["metrics"]
    assert [metric["name"] for metric in listed] == [c.name for c in catalog.of_kind("metric")]
    assert all("Formula:" in metric["description"] for metric in listed)
    outcome = cli("metrics", "soft-si", "--list")
    assert "--soft-si.order" in outcome.out
    assert "anti-si " not in outcome.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name at least one metric"),
        (("sii", *FILES), "there is no metric 'sii'. Did you mean 'si'"),
        (("si", "si", *FILES), "named twice"),
        (("si", "--features", "x.npy"), "needs --labels"),
        (("si", "--labels", "y.npy"), "--labels belongs to --features"),
        (("si", "--weights", "w.pt", *FILES), "--weights belongs to --model"),
        (("si", "--layers", "conv*", *FILES), "--layers needs a network"),
        (("si", "--features", "none.npy", "--labels", "y.npy"), "there is no file none.npy"),
        (("si", "--features", "t.npy", "--labels", "y.npy"), "1 dimension(s), shape (60,)"),
        (("si", "--features", "x.npy", "--labels", "t.npy"), "labels are continuous"),
        (("si", "--features", "x.npy", "--labels", "short.npy"), "60 points but there are 5 labels"),
        (("si", "--features", "objects.npy", "--labels", "y.npy"), "never unpickled"),
        (("si", "--features", "text.npy", "--labels", "y.npy"), "is no .npy file"),
        (("si", "--features", "nan.npy", "--labels", "y.npy"), "nan at point 7, feature 2"),
        (("smi", *FILES), "give --targets"),
        (("si", "--features", "x.npy", "--targets", "t.npy"), "metric 'si': it needs labels"),
        (("cross-si", *FILES), "needs --reference-features"),
        (("linear-cka", *FILES), "one set of features has none"),
        (("soft-si", "--order", "60", *FILES), "expected an order from 1 to 59"),
        (("soft-si", "--order", "0", *FILES), "--soft-si.order 0: expected a whole number, >= 1"),
        (("si", "--order", "3", *FILES), "--order belongs to metric"),
        (("si", "--memory", "lots", *FILES), "expected a size such as 4G"),
        (("si", "--fraction", "0", *FILES), "--fraction 0: expected a number, > 0 and <= 1"),
        (("si", "--model", "torchvision:resnet19", "--data", "digits"), "Did you mean 'resnet18'"),
        (("si", "--model", "torchvision:resnet18"), "give --data"),
        (("si", "--model", "nowhere:net", "--data", "digits"), "no module 'nowhere'"),
        (("si", "--model", "resnet18", "--data", "digits"), "expected torchvision:NAME"),
        (("si", "--run", "a", *FILES), "different things to measure"),
        (("si", "--per-point", "no/where.csv", *FILES), "there is no folder no"),
        (("si", "--executor", "ray", "--data", "digits"), "--executor needs --features and --labels"),
        (("si", "--workers", "2", *FILES), "belong to --executor"),
        (("si", "--executor", "local", "--sample-queries", "9", *FILES), "not with --sample-queries"),
        (("si", "--executor", "local", "--ray-address", "auto", *FILES), "belongs to --executor ray"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    cli: Cli, arrays: Any, words: tuple[str, ...], message: str
) -> None:
    np.save("short.npy", np.arange(5))
    np.save("objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    Path("text.npy").write_text("1 2 3")
    np.save("nan.npy", np.where(np.arange(240).reshape(60, 4) == 30, np.nan, 1.0))
    outcome = cli("metrics", *words)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.split())
    assert len(outcome.err.strip().splitlines()) == 1
    assert outcome.err.startswith("netlab: error: ")


def test_values_that_are_not_finite_can_be_left_out(cli: Cli, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x = arrays[0].copy()
    x[7, 2] = np.inf
    np.save("inf.npy", x)
    outcome = cli("metrics", "si", "--features", "inf.npy", "--labels", "y.npy", "--nan", "omit")
    assert outcome.code == 0, outcome.err
    assert "59 points" in outcome.out
    assert "1 point(s) with a feature that is not finite left out" in " ".join(outcome.out.split())


def test_values_of_points_keep_their_places_when_others_are_left_out(
    cli: Cli, arrays: tuple[np.ndarray, np.ndarray]
) -> None:
    x, y = arrays
    bad = x.copy()
    bad[[7, 30], 2] = np.nan
    np.save("nan.npy", bad)
    words = ("--labels", "y.npy", "--nan", "omit", "--per-point", "points.csv")
    assert cli("metrics", "si", "--features", "nan.npy", *words).code == 0
    rows = rows_of("points.csv")
    kept = np.setdiff1d(np.arange(60), [7, 30])
    assert [int(row["point"]) for row in rows] == kept.tolist()
    assert [row["label"] for row in rows] == np.array(["cat", "dog", "owl"])[y[kept]].tolist()
    assert np.mean([float(row["si"]) for row in rows]) == pytest.approx(si_score(x[kept], y[kept]))


def test_one_class_is_noted(cli: Cli, arrays: Any) -> None:
    np.save("one.npy", np.zeros(60, dtype=int))
    outcome = cli("metrics", "si", "csi", "--features", "x.npy", "--labels", "one.npy")
    assert outcome.code == 0, outcome.err
    assert "note, si, csi: all points are of one class" in " ".join(outcome.out.split())


def test_a_flag_of_a_metric_that_is_not_named_says_whose_it_is(cli: Cli, arrays: Any) -> None:
    outcome = cli("metrics", "si", *FILES, "--soft-si.order", "3")
    assert outcome.code == 2
    assert "--soft-si.order belongs to metric 'soft-si'" in outcome.err
    assert "netlab metrics soft-si" in outcome.err


def test_a_single_layer_leaves_no_empty_folder_of_plots(cli: Cli, arrays: Any) -> None:
    assert cli("metrics", "si", *FILES, "--out", "found").code == 0
    assert sorted(path.name for path in Path("found").iterdir()) == [
        "separability.csv",
        "separability.json",
    ]


def test_the_classes_that_are_nearest_instead_are_shown(cli: Cli, arrays: Any) -> None:
    np.save("p.npy", np.array([[0.0], [0.1], [5.0], [5.1], [5.3], [9.0]]))
    np.save("q.npy", np.array(["a", "a", "b", "b", "c", "c"]))
    outcome = cli("metrics", "confusion", "--features", "p.npy", "--labels", "q.npy", "--per-class")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["a", "1.00", "-", "-"] in lines
    assert ["c", "-", ".50", ".50"] in lines  # 5.3 is nearest to a b, 9.0 to the c at 5.3
