"""Training from Python, and what a run can do afterwards."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics as reference

import netlab
from netlab.errors import NetlabError, UsageError

from .conftest import TINY


@pytest.fixture(scope="module")
def test_images() -> netlab.kinds.dataset.LabelledImages:
    return netlab.load_data("digits", size=24).test


def test_a_run_has_its_history_result_config_and_network(run: netlab.Run) -> None:
    assert run.is_finished
    assert run.history["epoch"] == [1, 2]
    assert run.result["test_accuracy"] == pytest.approx(run.evaluate().accuracy, abs=1e-9)
    assert run.config["norm"]["name"] == "bn"
    assert run.environment["netlab"] == netlab.__version__
    assert not run.network.training
    assert run.class_names == tuple("0123456789")
    assert "test accuracy" in repr(run)
    assert run.name in run._repr_html_()
    assert run.plot()._repr_png_().startswith(b"\x89PNG")


def test_the_same_call_gives_the_finished_run_and_trains_nothing(run: netlab.Run, runs: Path) -> None:
    weights = (run.path / "checkpoints" / "best.safetensors").stat().st_mtime_ns
    again = netlab.train(**TINY, epochs=2, runs=runs, quiet=True)
    assert again.name == run.name
    assert (run.path / "checkpoints" / "best.safetensors").stat().st_mtime_ns == weights


def test_the_same_name_with_other_settings_is_refused(run: netlab.Run, runs: Path) -> None:
    with pytest.raises(UsageError, match="begun with other settings .training.lr: 0.1 -> 0.05"):
        netlab.train(**TINY, epochs=2, runs=runs, quiet=True, name=run.name, lr=0.05)


def test_a_configuration_file_or_its_tables_are_what_keywords_go_before(
    run: netlab.Run, runs: Path, tmp_path: Path
) -> None:
    again = netlab.train(config=run.path / "config.toml", runs=runs, quiet=True)
    assert again.path == run.path
    other = netlab.train(
        config=run.config, block="grouped", epochs=1, name="other", runs=tmp_path, threads=1, quiet=True
    )
    assert other.config["block"] == {"name": "grouped", "skip": True, "paths": 2}
    assert other.config["training"] == {**run.config["training"], "epochs": 1}
    assert other.environment["threads"] == 1
    with pytest.raises(UsageError, match="config has an unknown key 'blok'"):
        netlab.train(config={"blok": {}})
    with pytest.raises(UsageError, match=r"\[run\] has no key 'nam'"):
        netlab.train(config={"run": {"nam": "x"}})
    with pytest.raises(UsageError, match="no file"):
        netlab.train(config=tmp_path / "nothing.toml")


def test_the_command_line_and_python_mean_the_same_run(cli, run: netlab.Run, runs: Path) -> None:
    words = ["run", "--data", "digits", "--size", 24, "--norm", "bn", "--width", 4, "--batch-size", 128]
    done = cli(*words, "--precision", "fp32", "--epochs", 2, "--runs", runs)
    assert done.code == 2
    assert f"run '{run.name}' is finished" in done.err


def test_progress_is_printed_unless_it_is_not_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netlab.train(**TINY, epochs=1, runs=tmp_path)
    assert "epoch 1/1  loss" in capsys.readouterr().out


def test_images_of_every_kind_are_the_same_image(run: netlab.Run, test_images, tmp_path: Path) -> None:
    tensor = test_images.images[:2]
    grey = tensor[:, 0].numpy()
    colour = np.repeat(grey[..., None], 3, axis=3)
    for number, image in enumerate(grey):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    expected = run.predict(tensor).probabilities
    for given in (
        list(grey), grey, colour, list(colour), list(tensor), [Image.fromarray(image) for image in grey],
        str(tmp_path), tmp_path, [tmp_path / "0.png", str(tmp_path / "1.png")], f"{tmp_path}/*.png",
    ):  # fmt: skip
        assert np.array_equal(run.predict(given).probabilities, expected)
    assert run.predict(grey[0]).probabilities == pytest.approx(expected[:1], abs=1e-5)
    assert run.predict(tmp_path).images == [str(tmp_path / "0.png"), str(tmp_path / "1.png")]


def test_predictions_are_classes_with_probabilities(run: netlab.Run, test_images) -> None:
    found = run.predict(test_images.images[:5])
    assert found.probabilities.shape == (5, 10)
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert found.labels == [found.class_names[place] for place in found.probabilities.argmax(1)]
    assert len(found) == 5
    assert found[0]["class"] == found.labels[0]
    assert [row["rank"] for row in found.top(2)][:2] == [1, 2]
    assert "<table>" in found._repr_html_()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 2, 2, 2), np.uint8), "uint8 (2, 2, 2, 2) is no image"),
        (np.zeros((8, 8)), "float64 (8, 8) is no image"),
        (torch.zeros(3, 8, 8), "float32 (3, 8, 8) is no image"),
        (5, "int is no image: expected a path"),
        ([None], "NoneType is no image"),
        ("nowhere.png", "there is no file or folder nowhere.png"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_image_is_refused_in_one_line(run: netlab.Run, given: object, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        run.predict(given)
    assert message in str(raised.value)


def test_an_image_that_can_not_be_read_is_warned_of_and_left_out(run: netlab.Run, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(NetlabError, match=r"broken.png is not an image"):
        run.predict(tmp_path / "broken.png")
    with (
        pytest.warns(UserWarning, match="broken.png"),
        pytest.raises(NetlabError, match="none of the images can be read"),
    ):
        run.predict([tmp_path])
    cv2.imwrite(str(tmp_path / "whole.png"), np.zeros((24, 24), np.uint8))
    with pytest.warns(UserWarning, match="broken.png"):
        assert len(run.predict(tmp_path)) == 1


def test_figures_by_class_are_those_of_scikit_learn(run: netlab.Run, test_images) -> None:
    found = run.evaluate()
    true = [str(label) for label in test_images.labels.tolist()]
    guessed = run.predict(test_images.images).labels
    precision, recall, f1, images = reference.precision_recall_fscore_support(
        true, guessed, zero_division=np.nan
    )
    assert found.accuracy == pytest.approx(reference.accuracy_score(true, guessed))
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(true, guessed))
    assert found.by_class["precision"] == pytest.approx(precision, nan_ok=True)
    assert found.by_class["recall"] == pytest.approx(recall)
    assert found.by_class["f1"] == pytest.approx(f1, nan_ok=True)
    assert found.by_class["images"] == images.tolist()
    assert np.array_equal(found.confusion, reference.confusion_matrix(true, guessed))
    assert found.plot()._repr_png_().startswith(b"\x89PNG")
    assert "balanced accuracy" in repr(found)


def test_a_folder_arrays_and_a_data_set_are_evaluated_alike(
    run: netlab.Run, test_images, tmp_path: Path
) -> None:
    for place in range(40):
        folder = tmp_path / run.class_names[test_images.labels[place]]
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{place}.png"), test_images.images[place, 0].numpy())
    images, labels = test_images.images[:40], test_images.labels[:40]
    expected = run.evaluate(images, labels).confusion
    assert expected.sum() == 40
    assert np.array_equal(run.evaluate(str(tmp_path)).confusion, expected)
    assert np.array_equal(
        run.evaluate(list(images), [str(int(label)) for label in labels]).confusion, expected
    )
    whole = run.evaluate("digits", size=24).confusion
    assert np.array_equal(whole, run.evaluate(test_images).confusion)
    assert np.array_equal(whole, run.result["confusion"])


def test_what_can_not_be_evaluated_is_said_in_one_line(run: netlab.Run, test_images, tmp_path: Path) -> None:
    images = test_images.images[:2]
    with pytest.raises(UsageError, match="the images have no labels"):
        run.evaluate(images)
    with pytest.raises(UsageError, match="there are 3 labels but not as many images"):
        run.evaluate(images, [0, 1, 2])
    with pytest.raises(UsageError, match="there are 1 labels but not as many images"):
        run.evaluate(images, [0])
    with pytest.raises(UsageError, match="label 10 is out of range"):
        run.evaluate(images, [0, 10])
    with pytest.raises(UsageError, match="knows no class 'cat'"):
        run.evaluate(images, ["1", "cat"])
    with pytest.raises(UsageError, match="there is no folder nowhere"):
        run.evaluate("nowhere")
    with pytest.raises(UsageError, match="needs a subfolder with images for each class: 0, 1"):
        run.evaluate(tmp_path)


def test_metrics_of_layers_are_those_of_the_command_line_and_are_kept(
    cli, run: netlab.Run, runs: Path
) -> None:
    table = run.metrics("si", "csi", layers=["conv1", "avgpool"])
    assert table["layer"] == ["conv1", "conv1"] * 2 + ["avgpool", "avgpool"] * 2
    assert {row["split"] for row in table} == {"train", "test"}
    before = (run.path / "separability.csv").read_text()
    done = cli(
        "metrics", "si", "csi", "--run", run.path, "--layers", "conv1", "--layers", "avgpool", "--no-plots"
    )
    assert done.code == 0, done.err
    values = [line.split(",")[:4] for line in (run.path / "separability.csv").read_text().splitlines()]
    assert values == [line.split(",")[:4] for line in before.splitlines()]
    assert table.plot()._repr_png_().startswith(b"\x89PNG")
    assert set(table.pivot().columns) == {"layer", "features", "si train", "si test", "csi train", "csi test"}
    with pytest.raises(UsageError, match="there is no metric 'sii'"):
        run.metrics("sii")
    with pytest.raises(UsageError, match="fraction must be above 0"):
        run.metrics("si", fraction=0)


def test_runs_are_found_listed_and_compared(run: netlab.Run, runs: Path) -> None:
    other = netlab.train(**TINY, epochs=2, runs=runs, quiet=True, seed=1)
    table = netlab.list_runs(runs)
    assert table["name"] == [run.name, other.name]
    assert table["seed"] == [0, 1]
    assert table["test_accuracy"] == [run.result["test_accuracy"], other.result["test_accuracy"]]
    assert netlab.load_run(run.name, runs=runs).path == run.path
    with pytest.raises(UsageError, match="there is no run 'digit'"):
        netlab.load_run("digit", runs=runs)
    for compared in (
        netlab.compare(run, other),
        netlab.compare([run.path, other.path]),
        netlab.compare(folder=runs),
    ):
        accuracy = next(row for row in compared if row["measure"] == "test_accuracy")
        both = [run.result["test_accuracy"], other.result["test_accuracy"]]
        assert accuracy["n"] == 2
        assert accuracy["mean"] == pytest.approx(np.mean(both))
        assert accuracy["sd"] == pytest.approx(np.std(both, ddof=1))
    assert "| assembly |" in compared.to_markdown()
    assert "tabular" in compared.to_latex()
    assert compared.overview()["n"] == ["2"]


def test_runs_of_several_data_sets_are_compared_apart_as_the_command_does(
    cli, run: netlab.Run, tmp_path: Path
) -> None:
    larger = netlab.train(**{**TINY, "size": 26}, epochs=1, runs=tmp_path, quiet=True)
    folder = tmp_path / "both"
    folder.mkdir()
    for each in (run, larger):
        (folder / each.name).symlink_to(each.path.absolute())
    table = netlab.compare(folder=folder)
    command = json.loads(cli("compare", "--runs", folder, "--json").out)["comparisons"]
    assert [dict(row) for row in table] == [row for each in command for row in each["rows"]]
    assert table.baselines == {each["data"]: each["baseline"] for each in command}
    assert list(table.by_data()) == list(table.baselines) == ["digits, size 24", "digits, size 26"]
    assert table._repr_html_().count("<table>") == 2
    assert "data digits, size 26\n" in repr(table)
    assert len(netlab.compare(folder=folder, force=True).baselines) == 1


def test_what_is_unfinished_or_damaged_is_said_and_left_out(run: netlab.Run, tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.toml").write_text("[data")
    assert "is damaged" in netlab.list_runs(tmp_path)["state"][0]
    with pytest.warns(UserWarning, match="is damaged"):
        assert netlab.compare(run, tmp_path / "damaged")["n"][0] == 1
    assert len(netlab.list_runs(tmp_path / "nowhere")) == 0
    with pytest.raises(UsageError, match="no run in "):
        netlab.compare(folder=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="expected a run, a name or a path, not 3"):
        netlab.compare(3)  # type: ignore[arg-type]


def test_summaries_are_of_networks_given_or_described(run: netlab.Run) -> None:
    described = netlab.summarize(block="grouped", paths=3, input=(1, 24, 24), classes=7, width=4)
    given = netlab.summarize(
        netlab.assemble(block="grouped", paths=3, input=(1, 24, 24), classes=7, width=4), input=(1, 24, 24)
    )
    assert list(described) == list(given)
    assert described[-1]["output"] == (7,)
    of_data = netlab.summarize(data="digits", size=24, width=4)
    assert list(of_data) == list(netlab.summarize(input=(1, 24, 24), classes=10, width=4))
    assert f"{sum(described['parameters']):,} parameters" in described.caption
    with pytest.raises(UsageError, match="takes no image of 3x32x32"):
        netlab.summarize(run.network)
    with pytest.raises(UsageError, match="expected an nn.Sequential"):
        netlab.summarize(torch.nn.Linear(2, 2))
    with pytest.raises(UsageError, match="a network to assemble"):
        netlab.summarize(run.network, block="grouped")


def test_a_plugin_that_fails_is_warned_of_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from netlab.api.installed import _catalog
    from netlab.testing.distributions import write_distribution

    write_distribution(tmp_path, "broken-plugin", "1.0", {"netlab.v1": {"broken": "broken_plugin_module"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    _catalog.cache_clear()
    try:
        with pytest.warns(UserWarning, match="plugin 'broken' .* failed at import"):
            netlab.parts("block")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            netlab.parts("block")
    finally:
        _catalog.cache_clear()
