"""Classes of unequal size: weights, sampling, the choice of an epoch, and folds from the command line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight

import netlab
from netlab.classification.assembly import complete
from netlab.classification.evaluate import Evaluation
from netlab.classification.optimization import loss_of, with_class_weights
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.kinds.recipe import DataFacts
from tests.conftest import Cli

LABELS = torch.tensor([0] * 40 + [1] * 7 + [2] * 3)
QUICK = ("--data", "npz", "--data.path", "rare.npz", "--width", "4", "--epochs", "2", "--precision", "fp32")


@pytest.fixture
def rare(tmp_path: Path) -> Path:
    """Noise of three classes, 120 : 24 : 12."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [120, 24, 12])
    images = rng.integers(0, 120, (len(labels), 24, 24, 3), np.uint8)
    images[np.arange(len(labels)), :, :, labels] += 60
    places = np.arange(len(labels))
    arrays = {
        f"{part}_{name}": values[places % 3 == 0] if part == "test" else values[places % 3 > 0]
        for part in ("train", "test")
        for name, values in (("images", images), ("labels", labels))
    }
    np.savez(tmp_path / "rare.npz", **arrays)
    return tmp_path / "rare.npz"


@pytest.mark.parametrize("loss", ["cross-entropy", "focal"])
def test_balanced_weights_are_those_of_scikit_learn(catalog: Catalog, loss: str) -> None:
    tables = {"loss": {"name": loss}, "training": {"class_weights": "balanced"}}
    assembly = complete(catalog, tables, DataFacts(50, (24, 24), 3), frozenset())
    part = with_class_weights(assembly, LABELS, 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS.numpy())
    assert part.options is not None
    assert part.options.class_weights == pytest.approx(expected)
    assert assembly.parts["loss"].options.class_weights == ()


def test_a_class_that_no_training_image_has_leaves_the_loss_finite(catalog: Catalog) -> None:
    tables = {"loss": {"name": "cross-entropy"}, "training": {"class_weights": "balanced"}}
    assembly = complete(catalog, tables, DataFacts(50, (24, 24), 4), frozenset())
    loss = loss_of(with_class_weights(assembly, LABELS, 4))
    targets = torch.nn.functional.one_hot(LABELS, 4).float()
    assert loss(torch.zeros(len(LABELS), 4), targets).isfinite()


def test_weights_given_twice_are_refused(catalog: Catalog) -> None:
    tables = {"loss": {"class_weights": [1, 2, 3]}, "training": {"class_weights": "balanced"}}
    assembly = complete(catalog, tables, DataFacts(50, (24, 24), 3), frozenset())
    with pytest.raises(UsageError, match="give one of them"):
        with_class_weights(assembly, LABELS, 3)


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.integers(0, 3, len(LABELS))
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (LABELS.numpy(), predicted), 1)
    found = Evaluation(0.0, 0.0, torch.from_numpy(confusion), single_accuracy=0.0).balanced_accuracy
    assert found == pytest.approx(balanced_accuracy_score(LABELS.numpy(), predicted))


def test_a_run_records_balanced_accuracy_and_chooses_by_it(cli: Cli, rare: Path) -> None:
    outcome = cli("run", *QUICK, "--name", "r", "--class-weights", "balanced", "--sampling", "balanced")
    assert outcome.code == 0, outcome.err
    assert "balanced accuracy" in outcome.out
    run = netlab.load_run("r")
    training = run.config["training"]
    assert (training["class_weights"], training["sampling"]) == ("balanced", "balanced")
    evaluation = run.evaluate()
    assert run.result["test_balanced_accuracy"] == pytest.approx(evaluation.balanced_accuracy)
    scores = [(row["val_balanced_accuracy"], -row["val_loss"]) for row in run.history]
    assert run.result["best_epoch"] == 1 + scores.index(max(scores))
    assert run.result["best_val_balanced_accuracy"] == max(scores)[0]


def test_folds_are_a_sweep_that_compare_reads_as_seeds(cli: Cli, rare: Path) -> None:
    swept = cli("sweep", *QUICK, "--folds", "3", "--lr", "0.02,0.05", "--yes", "--name", "s")
    assert swept.code == 0, swept.err
    assert "6 runs: 2 assemblies x 1 seed x 3 folds" in swept.out
    runs = [path.parent for path in Path("runs").glob("*/result.json")]
    configs = [tomllib.loads((run / "config.toml").read_text())["training"] for run in runs]
    assert sorted((config["lr"], config["fold"]) for config in configs) == [
        (lr, fold) for lr in (0.02, 0.05) for fold in range(3)
    ]
    tested = sum(
        sum(map(sum, json.loads((run / "result.json").read_text())["confusion"]))
        for run, config in zip(runs, configs, strict=True)
        if config["lr"] == 0.02
    )
    assert tested == 104  # its own test part is no part of the folds
    compared = cli("compare", "--json")
    rows = [row for data in json.loads(compared.out)["comparisons"] for row in data["rows"]]
    counts = {row["n"] for row in rows if row["measure"] == "test_balanced_accuracy"}
    assert counts == {3}
    assert "folds share training images" in compared.err + compared.out
    assert cli("eval", "--run", runs[0]).code == 0  # the fold's own images


def test_folds_that_do_not_fit_are_one_line(cli: Cli, rare: Path) -> None:
    for words, said in (
        (("--fold", "1"), "--fold 1 needs --folds"),
        (("--folds", "3", "--fold", "3"), "of 3 folds the last is 2"),
        (("--folds", "9"), "class '2' has 8 different images"),
    ):
        outcome = cli("run", *QUICK, *words)
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert said in outcome.err
    assert "one number of folds" in cli("sweep", *QUICK, "--folds", "2,3", "--yes").err
