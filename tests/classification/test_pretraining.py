"""Runs that start from pretrained weights, with a tiny network and drawn images."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torchvision import models

from netlab.classification.classifier import load_classifier
from netlab.classification.experiment import prepare, run_experiment, train_classifier
from netlab.classification.frozen import FrozenOutputs
from netlab.classification.optimization import optimization_of
from netlab.classification.restore import load_run
from netlab.data.cache import CacheWarning
from netlab.data.image_files import read_image
from netlab.engine.catalog import Catalog
from netlab.errors import UsageError
from netlab.pretrained import PretrainedNetwork
from netlab.runs.directory import RunDirectory
from netlab.training.reporter import Silent
from netlab.training.session import FinishedRun

NAME = "shufflenet_v2_x0_5"
IMAGES = 14  # of a class


class StoppedError(Exception):
    """The run was stopped."""


class Stopping(Silent):
    """Ends a run once so many epochs are whole."""

    def __init__(self, after: int) -> None:
        self.after = after

    def epoch(self, row: Any, *, is_best: bool) -> None:
        if row["epoch"] == self.after:
            raise StoppedError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "frozen"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reddish and bluish photographs of many sizes."""
    top = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "red")):
        (top / name).mkdir()
        for number in range(IMAGES):
            pixels = rng.integers(0, 200, (6, 8, 3), dtype=np.uint8)
            pixels[..., 0 if label else 2] //= 3
            size = (60 + 3 * number, 90 - 2 * number)
            Image.fromarray(pixels).resize(size).save(top / name / f"{number}.png")
    return top


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights whose batch norms have statistics of their own."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = models.get_model(NAME, weights=None)
        network.train()
        with torch.no_grad():
            for _ in range(20):
                network(torch.randn(16, 3, 48, 48))
    safetensors.torch.save_file(network.state_dict(), path)
    return path


def tables(photos: Path, weights: Path | str, **training: Any) -> dict[str, Any]:
    usual = {
        "epochs": 4,
        "head_epochs": 2,
        "train": "blocks:2",
        "views": 2,
        "precision": "fp32",
        "batch_size": 8,
        "mirror": True,
    }
    return {
        "data": {"name": "folder", "path": photos, "size": 48},
        "backbone": {"name": f"torchvision:{NAME}"},
        "training": {**usual, "weights": str(weights), **training},
    }


def train(catalog: Catalog, given: dict[str, Any], folder: Path, name: str = "r", **more: Any) -> FinishedRun:
    return train_classifier(catalog, given, runs=folder, name=name, offline=True, device="cpu", **more)


def best(run: FinishedRun) -> dict[str, torch.Tensor]:
    found = safetensors.torch.load_file(run.directory.best_checkpoint)
    return {name.removeprefix("network."): value for name, value in found.items()}


def test_the_recipe_transfer_is_the_default_and_the_preprocessing_is_kept(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    given = tables(photos, weights)
    given["training"] = {"weights": str(weights)}
    del given["data"]["size"]
    experiment = prepare(
        catalog, given, runs=tmp_path, name=None, data_dir=tmp_path, offline=True, device="cpu"
    )
    config = experiment.config
    assert config["recipe"]["name"] == "transfer"
    assert (config["data"]["size"], config["data"]["shorter"]) == (224, 256)
    assert (config["training"]["train"], config["training"]["weights"]) == ("blocks:3", str(weights))
    assert experiment.interface.normalization.mean == (0.485, 0.456, 0.406)
    assert "weights: w.safetensors; learns the head for" in experiment.describe()
    smaller = tables(photos, weights)
    experiment = prepare(
        catalog, smaller, runs=tmp_path, name=None, data_dir=tmp_path, offline=True, device="cpu"
    )
    assert experiment.config["data"]["shorter"] == 55  # 48 * 256 / 224


def test_what_is_frozen_stays_as_it_was_to_the_bit(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    given = tables(photos, weights, choose="phase", seed=1)
    given["optimizer"] = {"name": "sgd"}
    given["training"] |= {"lr": 0.5, "trunk_rate": 1.0, "layer_rate": 1.0}
    run = train(catalog, given, tmp_path)
    original = {
        name.replace(".", "_", 1) if name[5:6].isdigit() else name: value
        for name, value in safetensors.torch.load_file(weights).items()
    }
    last = safetensors.torch.load_file(run.directory.last_checkpoint)
    learnt = {
        name.removeprefix("network."): value for name, value in last.items() if name.startswith("network.")
    }
    changed, same = set(), set()
    for name, value in learnt.items():
        layer, _, rest = name.partition(".")
        parent, _, place = layer.rpartition("_")
        before = original.get(
            f"{layer}.{rest}", safetensors.torch.load_file(weights).get(f"{parent}.{place}.{rest}")
        )
        if before is not None:
            (same if torch.equal(before, value) else changed).add(name)
    assert {name.split(".")[0] for name in changed} == {"stage4_3", "conv5_0", "conv5_1"} & {
        name.split(".")[0] for name in changed
    }
    assert any(name.startswith("conv5_0") for name in changed)
    assert not any("running" in name or "num_batches" in name for name in changed)
    assert len(same) > 250


def test_all_layers_learn_and_count_when_they_are_to(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    run = train(catalog, tables(photos, weights, train="all", epochs=1, head_epochs=0), tmp_path)
    learnt, original = best(run), safetensors.torch.load_file(weights)
    for name in ("conv1.0.weight", "conv1.1.running_mean"):
        assert not torch.equal(learnt[name.replace(".", "_", 1)], original[name])


def test_rates_fall_from_the_head_down(catalog: Catalog, photos: Path, weights: Path, tmp_path: Path) -> None:
    given = tables(photos, weights, trunk_rate=0.1, layer_rate=0.5, lr=1.0)
    experiment = prepare(
        catalog, given, runs=tmp_path, name=None, data_dir=tmp_path, offline=True, device="cpu"
    )
    network = experiment.setup.network
    assert isinstance(network, PretrainedNetwork)
    network.freeze(network.frozen_for("blocks:2"))
    optimization = optimization_of(experiment.setup.assembly)
    optimizer = optimization.make_optimizer(network)
    names = {id(parameter): name.split(".")[0] for name, parameter in network.named_parameters()}
    rates = {
        names[id(parameter)]: group["peak_lr"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert rates == {"dense": 1.0, "conv5_1": 0.1, "conv5_0": 0.05}
    # Each phase has the schedule for itself.
    peak = max(optimization.schedule(step, 40) for step in range(20))
    assert max(optimization.schedule(step, 40) for step in range(20, 40)) == peak
    assert optimization.schedule(19, 40) < 0.2 * peak


@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("learning", ["head", "blocks:2", "all"])
def test_a_run_that_is_stopped_and_resumed_is_the_same_to_the_bit(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path, stop: int, learning: str, cache: Path
) -> None:
    given = tables(photos, weights, train=learning)
    whole = train(catalog, given, tmp_path / "a")
    shutil.rmtree(cache, ignore_errors=True)
    with pytest.raises(StoppedError):
        train(catalog, given, tmp_path / "b", reporter=Stopping(stop))
    if stop == 2:
        shutil.rmtree(cache, ignore_errors=True)  # what was kept may go
    resumed = train(catalog, given, tmp_path / "b")
    for name in ("last_checkpoint", "best_checkpoint"):
        first, second = (
            safetensors.torch.load_file(getattr(run.directory, name)) for run in (whole, resumed)
        )
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert whole.result["test_loss"] == resumed.result["test_loss"]


def test_frozen_outputs_are_computed_once_also_for_other_seeds(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, real = [], FrozenOutputs._run

    def counted(self: FrozenOutputs, inputs: torch.Tensor, first: int, stop: int) -> torch.Tensor:
        if first == 0:
            images.append(len(inputs))
        return real(self, inputs, first, stop)

    monkeypatch.setattr(FrozenOutputs, "_run", counted)
    train(catalog, tables(photos, weights), tmp_path, "first")
    training, validation, testing = 20, 2, 6  # of 28
    assert sum(images) == 2 * training + validation + 2 * testing  # two views; each test image and its mirror
    train(catalog, tables(photos, weights, seed=1), tmp_path, "second")
    train(catalog, tables(photos, weights, epochs=8), tmp_path, "third")
    assert sum(images) == 2 * training + validation + 2 * testing


def test_a_damaged_cached_file_is_computed_again_and_changes_nothing(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path, cache: Path
) -> None:
    first = train(catalog, tables(photos, weights), tmp_path, "first")
    files = sorted(cache.glob("*/*.safetensors"))
    assert files
    for number, file in enumerate(files):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content[: None if number % 2 else len(content) // 2])
    with pytest.warns(CacheWarning, match="is broken"):
        second = train(catalog, tables(photos, weights), tmp_path, "second")
    assert all(torch.equal(value, best(second)[name]) for name, value in best(first).items())


def test_a_run_is_loaded_and_used_without_its_file_of_weights(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.safetensors"
    shutil.copy(weights, copy)
    run = train(catalog, tables(photos, copy), tmp_path)
    copy.unlink()
    classifier = load_classifier(run.directory, catalog, device=torch.device("cpu"))
    loaded = load_run(run.directory, catalog)
    right = 0
    for image, label in zip(loaded.splits.test.images, loaded.splits.test.labels, strict=True):
        right += int(classifier(image[None]).argmax()) == int(label)
    assert right / len(loaded.splits.test) == run.result["test_accuracy"]
    path = next((photos / "red").iterdir())
    image = classifier.fit(read_image(path))[None]
    both = torch.stack(
        [classifier.network(classifier.interface.normalization(seen)) for seen in (image, image.flip(3))]
    )
    torch.testing.assert_close(classifier(image), both.mean(0).softmax(1))


def test_changed_weights_are_refused_when_a_run_is_resumed(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.safetensors"
    shutil.copy(weights, copy)
    with pytest.raises(StoppedError):
        train(catalog, tables(photos, copy), tmp_path, reporter=Stopping(1))
    state = safetensors.torch.load_file(weights)
    state["conv1.0.weight"] += 1
    safetensors.torch.save_file(state, copy)
    with pytest.raises(UsageError, match="the weights that run 'r' started from have changed"):
        train(catalog, tables(photos, copy), tmp_path)


def test_weights_that_do_not_fit_leave_nothing_behind(catalog: Catalog, photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file(models.squeezenet1_1(weights=None).state_dict(), other)
    for weights, said in (
        (other, "are missing from it"),
        (tmp_path / "nowhere.pth", "there is no weights file"),
    ):
        with pytest.raises(UsageError, match=said) as refused:
            train(catalog, tables(photos, weights), tmp_path / "runs")
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"weights": "imagenet"}, "--weights is for a pretrained backbone"),
        ({"train": "head"}, "--train is for a pretrained backbone"),
        ({"train": "some"}, "--train some"),
        ({"head_epochs": 3}, "--head-epochs is for"),
    ],
)
def test_settings_of_pretrained_networks_are_refused_elsewhere(
    catalog: Catalog, tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        prepare(
            catalog, {"data": {"size": 8}, "training": values},
            runs=tmp_path, name=None, data_dir=tmp_path, offline=True, device="cpu",
        )  # fmt: skip


def test_validation_chooses_among_the_ends_of_the_phases(
    catalog: Catalog, photos: Path, weights: Path, tmp_path: Path
) -> None:
    run = train(catalog, tables(photos, weights, choose="phase", epochs=5), tmp_path)
    assert run.result["best_epoch"] in (2, 5)
    assert isinstance(run_experiment, object)
    assert RunDirectory(tmp_path / "r").is_finished
