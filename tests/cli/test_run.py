"""``netlab run`` from the command to the finished directory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors

from netlab.training.checkpoint import Progress, content_of, read_tensors
from tests.conftest import unlisted

Cli = Callable[..., Any]


def only_run() -> Path:
    (run,) = Path("runs").iterdir()
    return run


def test_a_run_leaves_a_complete_directory(cli: Cli, tiny: tuple[str, ...]) -> None:
    outcome = cli("run", "--block", "grouped", "--paths", "2", "--norm", "bn", *tiny)
    assert outcome.code == 0, outcome.err
    run = only_run()
    result = json.loads((run / "result.json").read_text())
    assert result.keys() >= {
        "test_accuracy", "test_loss", "best_epoch", "epochs", "parameters", "images_per_second", "seconds",
    }  # fmt: skip
    assert sum(map(sum, result["confusion"])) == 360
    right = sum(result["confusion"][i][i] for i in range(10))
    assert result["test_accuracy"] == right / 360
    rows = list(csv.DictReader((run / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert int(best["epoch"]) == result["best_epoch"]
    for name in ("curves.png", "curves.svg"):
        assert (run / "plots" / name).stat().st_size > 1000
    environment = json.loads((run / "environment.json").read_text())
    (block,) = [part for part in environment["components"] if part["kind"] == "block"]
    digest = block.pop("sha256")
    assert block == {"kind": "block", "name": "grouped", "plugin": "blocks", "distribution": "netlab-vision",
                     "version": environment["netlab"]}  # fmt: skip
    assert len(digest) == 64
    assert len(environment["data_sha256"]) == 64
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["block"] == {"name": "grouped", "skip": True, "paths": 2}
    assert config["activation"] == {"name": "elu", "alpha": 1.0}
    assert [table["name"] for table in config["augment"]] == ["flip", "translate"]
    assert config["training"]["epochs"] == 2
    with safetensors.safe_open(run / "checkpoints" / "best.safetensors", "pt") as file:
        assert "network.conv1.weight" in file.keys()  # noqa: SIM118
    assert f"{result['test_accuracy']:.4f}" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_printing_the_config_downloads_nothing(cli: Cli) -> None:
    printed = cli("run", "--data", "cifar10", "--data-dir", "nowhere", "--print-config")
    assert printed.code == 2
    assert "--print-config downloads no data, which defaults follow" in printed.err
    assert not Path("nowhere").exists()


def test_the_printed_config_trains_the_same_run(cli: Cli, tiny: tuple[str, ...]) -> None:
    printed = cli("run", *tiny, "--print-config")
    assert not Path("runs").exists()
    Path("again.toml").write_text(printed.out)
    assert cli("run", "--config", "again.toml").code == 0
    assert (only_run() / "config.toml").read_text() == printed.out


def test_a_finished_run_says_so_and_may_grow(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    again = cli("run", *tiny)
    assert again.code == 2
    assert "is finished: test accuracy" in again.err
    grown = cli("run", *tiny, "--epochs", "3")
    assert grown.code == 0, grown.err
    assert "resuming after epoch 2" in grown.out
    assert json.loads((only_run() / "result.json").read_text())["epochs"] == 3
    assert "may grow, not shrink" in cli("run", *tiny).err


def test_a_changed_setting_is_refused_with_the_difference(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--name", "mine").code == 0
    changed = cli("run", *tiny, "--name", "mine", "--lr", "0.05", "--block", "grouped")
    assert changed.code == 2
    assert "training.lr: 0.1 -> 0.05" in changed.err
    assert "block.name: residual -> grouped" in changed.err


def test_patience_stops_early_and_keeps_the_best_epoch(cli: Cli, tiny: tuple[str, ...]) -> None:
    words = [*tiny, "--epochs", "9", "--patience", "1", "--lr", "1e-9", "--schedule", "constant"]
    assert cli("run", *words, "--norm", "bn").code == 0
    result = json.loads((only_run() / "result.json").read_text())
    assert result["stopped_early"]
    assert result["epochs"] < 9
    assert result["epochs"] - result["best_epoch"] == 1


def test_seeds_give_other_runs_on_the_same_split(cli: Cli, tiny: tuple[str, ...]) -> None:
    for seed in (0, 1):
        assert cli("run", *tiny, "--seed", seed).code == 0
    environments = [json.loads((run / "environment.json").read_text()) for run in Path("runs").iterdir()]
    assert len({environment["val_indices_sha256"] for environment in environments}) == 1
    accuracies = [
        json.loads((run / "result.json").read_text())["test_loss"] for run in Path("runs").iterdir()
    ]
    assert len(set(accuracies)) == 2


def test_quiet_prints_one_line_of_json(cli: Cli, tiny: tuple[str, ...]) -> None:
    shown = cli("run", *tiny, "--quiet").out
    assert json.loads(shown).keys() == {"run", "test_accuracy"}


def test_bf16_trains_too(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--precision", "bf16").code == 0


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    outcome = cli("run", *tiny, "--epochs", "4", "--lr", "1e25", "--schedule", "constant", "--momentum", "0")
    assert outcome.code == 1
    assert "the loss became" in outcome.err
    assert "step" in outcome.err
    assert not (only_run() / "result.json").exists()


def test_a_truncated_checkpoint_is_named(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    last = unlisted(only_run()) / "checkpoints" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:1000])
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 1
    assert "last.safetensors is truncated or damaged" in outcome.err


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_clear_line(cli: Cli, tiny: tuple[str, ...]) -> None:
    Path("runs").mkdir(mode=0o500)
    outcome = cli("run", *tiny)
    assert outcome.code == 1
    assert "Permission denied: " in outcome.err


def test_a_file_where_the_runs_folder_should_be_is_one_clear_line(cli: Cli, tiny: tuple[str, ...]) -> None:
    Path("runs").write_text("")
    outcome = cli("run", *tiny)
    assert outcome.code == 1
    assert outcome.err.startswith("netlab: error: ")
    assert "runs" in outcome.err


def test_no_space_left_keeps_what_is_written(
    cli: Cli, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from netlab.runs import directory

    real, calls = directory.write_atomically, []

    def full_after_three(path: Path, write: Callable[[Any], object]) -> None:
        calls.append(path)
        if len(calls) > 3:
            raise OSError(28, "No space left on device", str(path))
        real(path, write)

    monkeypatch.setattr(directory, "write_atomically", full_after_three)
    outcome = cli("run", *tiny)
    assert outcome.code == 1
    assert "No space left on device" in outcome.err
    assert (only_run() / "checkpoints" / "last.safetensors").exists()


def test_weights_that_give_no_finite_validation_are_never_kept(cli: Cli, tiny: tuple[str, ...]) -> None:
    """The only step of the epoch ruins the weights, after a loss that was finite."""
    words = [*tiny, "--batch-size", "5000", "--lr", "1e30", "--clip", "0"]
    outcome = cli("run", *words)
    assert outcome.code == 1
    assert "the validation loss became" in outcome.err
    assert "there is no checkpoint yet" in outcome.err
    assert not list((only_run() / "checkpoints").iterdir())


def test_a_name_with_signs_that_mean_something_elsewhere_is_only_a_name(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    outcome = cli("run", *tiny, "--epochs", "1", "--name", "a$_$b [c]")
    assert outcome.code == 0, outcome.err
    assert "runs/a$_$b [c]" in outcome.out
    assert (Path("runs") / "a$_$b [c]" / "result.json").exists()


def test_a_history_without_all_its_rows_is_named(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    history = unlisted(only_run()) / "history.csv"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:2]))
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 1
    assert "history.csv does not have one row for each of the 2 epochs" in outcome.err


def test_a_history_without_a_column_is_named(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    (unlisted(only_run()) / "history.csv").write_text("a,b\n1,2\n")
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 1
    assert "history.csv is damaged: it has no column epoch" in outcome.err


def test_a_checkpoint_of_nobody_knows_what_is_not_continued(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    (only_run() / "config.toml").unlink()
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 1
    assert "has a checkpoint but no config.toml" in outcome.err


def test_a_damaged_checkpoint_does_not_cost_a_finished_run_its_result(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    assert cli("run", *tiny).code == 0
    (only_run() / "checkpoints" / "last.safetensors").write_bytes(b"damaged")
    assert cli("run", *tiny, "--epochs", "3").code == 1
    assert (only_run() / "result.json").exists()


def test_best_weights_newer_than_the_checkpoint_are_the_ones_to_beat(cli: Cli, tiny: tuple[str, ...]) -> None:
    """A run killed between the two files makes the epoch again, elsewhere perhaps with a worse end."""
    assert cli("run", *tiny, "--name", "mine", "--epochs", "1").code == 0
    last, best = (Path("runs/mine/checkpoints") / f"{name}.safetensors" for name in ("last", "best"))
    first_epoch = last.read_bytes()
    assert cli("run", *tiny, "--name", "mine", "--epochs", "2").code == 0
    unlisted(Path("runs/mine"))
    tensors, _ = read_tensors(best)
    best.write_bytes(content_of(tensors, Progress(2, best_epoch=2, best_score=(0.99, -0.01))))
    kept = best.read_bytes()
    last.write_bytes(first_epoch)
    assert cli("run", *tiny, "--name", "mine", "--epochs", "2").code == 0
    result = json.loads(Path("runs/mine/result.json").read_text())
    assert (result["best_epoch"], result["best_val_balanced_accuracy"]) == (2, 0.99)
    assert best.read_bytes() == kept


def test_a_run_of_another_kind_of_device_is_not_continued(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    path = unlisted(only_run()) / "environment.json"
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "cuda:1"'))
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 2
    assert "device: cuda -> cpu" in outcome.err


def test_another_number_of_threads_is_noted_on_resume(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny, "--threads", "1").code == 0
    path = unlisted(only_run()) / "environment.json"
    path.write_text(path.read_text().replace('"threads": 1', '"threads": 64'))
    assert "note: 64 threads before, 1 now" in cli("run", *tiny, "--epochs", "3", "--threads", "1").out


def test_lost_best_weights_are_noticed_before_training_goes_on(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    (only_run() / "checkpoints" / "best.safetensors").unlink()
    outcome = cli("run", *tiny, "--epochs", "3")
    assert outcome.code == 1
    assert "there is no checkpoint" in outcome.err
    assert "best.safetensors" in outcome.err
    assert (only_run() / "result.json").exists()


def test_epochs_asked_for_by_mistake_can_be_taken_back(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli("run", *tiny).code == 0
    config = unlisted(only_run()) / "config.toml"
    config.write_text(config.read_text().replace("epochs = 2", "epochs = 500"))
    (only_run() / "result.json").unlink()  # as an interrupted extension leaves it
    assert cli("run", *tiny).code == 0
    assert json.loads((only_run() / "result.json").read_text())["epochs"] == 2


def test_more_patience_continues_a_run_that_stopped_early(cli: Cli, tiny: tuple[str, ...]) -> None:
    words = [*tiny, "--epochs", "6", "--lr", "1e-9", "--schedule", "constant", "--norm", "bn"]
    assert cli("run", *words, "--patience", "1").code == 0
    made = json.loads((only_run() / "result.json").read_text())["epochs"]
    assert made < 6
    assert "is finished" in cli("run", *words, "--patience", "1").err
    assert cli("run", *words, "--patience", "0").code == 0
    assert json.loads((only_run() / "result.json").read_text())["epochs"] == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--validation", "1"], "--validation 1"),
        (["--lr", "inf"], "--lr inf"),
        (["--seed", str(2**64)], "--seed"),
        (["--name", "a/b"], "one folder's name"),
        (["--name", ""], "--name '': a name is one folder's name"),
        (["--config", "."], ". can not be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_can_not_be_is_one_line(
    cli: Cli, tiny: tuple[str, ...], words: list[str], message: str
) -> None:
    outcome = cli("run", *tiny, *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_reader_that_goes_away_does_not_stop_the_training(tiny: tuple[str, ...], tmp_path: Path) -> None:
    """`netlab run ... | head -1`, with real processes."""
    words = [sys.executable, "-m", "netlab", "run", "--name", "piped", *tiny, "--epochs", "3"]
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=300) == 0
    assert (tmp_path / "runs" / "piped" / "result.json").exists()
