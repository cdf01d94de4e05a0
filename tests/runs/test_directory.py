"""Finding runs, and loading one again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.classification.evaluate import evaluate
from netlab.classification.restore import load_run
from netlab.data.batches import evaluation_batches
from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError, UsageError
from netlab.runs.config import read_config
from netlab.runs.directory import RunDirectory, find_run, list_runs, newest_finished
from netlab.runs.history import read_history

Cli = Callable[..., Any]


def make_run(folder: Path, name: str, *, finished: bool, time: int) -> RunDirectory:
    run = RunDirectory(folder / name)
    run.create()
    run.config.write_text("")
    os.utime(run.config, (time, time))
    if finished:
        run.result.write_text("{}")
        os.utime(run.result, (time, time))
    return run


def test_runs_are_listed_oldest_first_and_foreign_files_passed_over(tmp_path: Path) -> None:
    make_run(tmp_path, "b", finished=True, time=100)
    make_run(tmp_path, "a", finished=False, time=200)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["b", "a"]
    assert newest_finished(tmp_path).name == "b"


def test_a_missing_run_gets_the_closest_name(tmp_path: Path) -> None:
    make_run(tmp_path, "digits-bn", finished=True, time=100)
    assert find_run("digits-bn", tmp_path) == find_run(str(tmp_path / "digits-bn"), Path("elsewhere"))
    with pytest.raises(UsageError, match="Did you mean 'digits-bn'"):
        find_run("digit-bn", tmp_path)
    with pytest.raises(UsageError, match="train one with 'netlab run'"):
        newest_finished(tmp_path / "empty")


def test_a_run_damaged_by_hand_is_one_clear_error(tmp_path: Path) -> None:
    run = make_run(tmp_path, "a", finished=True, time=100)
    run.result.write_text("{")
    with pytest.raises(NetlabError, match="result.json is damaged"):
        run.read_result()
    run.config.write_text("[run")
    with pytest.raises(NetlabError, match="config.toml is damaged"):
        read_config(run.config)
    run.config.write_text("[run]\n")
    with pytest.raises(NetlabError, match=r"no table \[data\]"):
        read_config(run.config)
    run.history.write_text("epoch,train_loss\n1,oops\n")
    with pytest.raises(NetlabError, match="history.csv is damaged"):
        read_history(run.history)


def test_a_loaded_run_has_the_network_and_data_that_gave_its_result(
    cli: Cli, tiny: tuple[str, ...], catalog: Catalog
) -> None:
    assert cli("run", "--norm", "bn", "--name", "mine", *tiny).code == 0
    run = find_run("mine", Path("runs"))
    loaded = load_run(run, catalog)
    batches = evaluation_batches(loaded.splits.test, loaded.normalization, 256)
    seen = (([images], labels) for images, labels in batches)
    found = evaluate(loaded.network, seen, classes=10, precision="fp32")
    recorded = json.loads(run.result.read_text())
    assert found.accuracy == recorded["test_accuracy"]
    assert found.loss == pytest.approx(recorded["test_loss"], rel=1e-5)

    run.best_checkpoint.unlink()
    with pytest.raises(UsageError, match="has no checkpoint: train it first"):
        load_run(run, catalog)
