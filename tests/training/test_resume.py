"""Which runs can be resumed, and what is said of the others; run directories as a training leaves them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netlab.errors import NetlabError, UsageError
from netlab.files import write_json, write_text
from netlab.runs.config import to_toml
from netlab.runs.directory import RunDirectory
from netlab.training import resume
from netlab.training.checkpoint import Progress, checkpoint_content, weights_content
from netlab.training.resume import Continuation

CONFIG: dict[str, Any] = {
    "run": {"name": "r", "data_dir": "data"},
    "block": {"name": "grouped", "paths": 4},
    "training": {"epochs": 3, "patience": 0, "lr": 0.1},
}
HERE: dict[str, Any] = {
    "data_sha256": "abc", "device": "cpu", "precision": "fp32", "world_size": 1, "threads": 2, "sync_bn": None,
}  # fmt: skip
LONGER = Continuation(5, "test_accuracy", frozenset({"epochs", "patience"}))
SAME = Continuation(3, "test_accuracy", frozenset({"epochs", "patience"}))


def check_resumable(
    run: RunDirectory, config: Any, environment: Any, continuation: Continuation
) -> list[str]:
    """What is said of a run that can be resumed."""
    return list(resume.check_resumable(run, config, environment, continuation).notes)


def make_run(
    folder: Path, *, epoch: int = 2, best: int = 2, result: bool = False, **recorded: Any
) -> RunDirectory:
    """A run of CONFIG that has made ``epoch`` epochs; ``recorded`` is what its environment has otherwise."""
    run = RunDirectory(folder / "r")
    run.create()
    write_text(run.config, to_toml(CONFIG))
    write_json(run.environment, {**HERE, **recorded})
    network = nn.Linear(2, 2)
    if epoch:
        progress = Progress(epoch, best, (0.5,) if best else ())
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        run.last_checkpoint.write_bytes(checkpoint_content(network, optimizer, {}, progress))
        if best:
            run.best_checkpoint.write_bytes(weights_content(network, progress))
    if result:
        write_json(run.result, {"test_accuracy": 0.875})
    return run


def changed(table: str, **values: Any) -> dict[str, Any]:
    made = copy.deepcopy(CONFIG)
    made[table].update(values)
    return made


def test_a_new_run_and_one_that_goes_on_are_taken_without_a_word(tmp_path: Path) -> None:
    assert check_resumable(RunDirectory(tmp_path / "new"), CONFIG, HERE, SAME) == []
    assert check_resumable(make_run(tmp_path), CONFIG, HERE, SAME) == []
    assert check_resumable(make_run(tmp_path / "stopped at once", epoch=0), CONFIG, HERE, SAME) == []


def test_a_run_without_an_environment_is_taken_on_trust(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.environment.unlink()
    assert check_resumable(run, CONFIG, HERE, SAME) == []


def test_a_checkpoint_without_a_configuration_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.config.unlink()
    with pytest.raises(NetlabError, match="has a checkpoint but no config.toml.*delete it"):
        check_resumable(run, CONFIG, HERE, SAME)


def test_other_data_are_refused_and_unrecorded_ones_are_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the data of run 'r' has changed"):
        check_resumable(make_run(tmp_path, data_sha256="xyz"), CONFIG, HERE, SAME)
    assert check_resumable(make_run(tmp_path / "old", data_sha256=None), CONFIG, HERE, SAME) == []


def test_other_settings_are_refused_by_name_but_for_those_that_may_change(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with pytest.raises(UsageError, match=r"other settings \(block.paths: 4 -> 2\): use another --name"):
        check_resumable(run, changed("block", paths=2), HERE, SAME)
    with pytest.raises(UsageError, match=r"\(training.lr: 0.1 -> 0.2\)"):
        check_resumable(run, changed("training", lr=0.2), HERE, SAME)
    longer = changed("training", epochs=5, patience=2)
    assert check_resumable(run, longer, HERE, LONGER) == []
    with pytest.raises(UsageError, match=r"\(training.epochs: 3 -> 5; training.patience: 0 -> 2\)"):
        check_resumable(run, longer, HERE, Continuation(5, "test_accuracy"))
    assert check_resumable(run, changed("run", data_dir="elsewhere"), HERE, SAME) == []


@pytest.mark.parametrize(
    ("key", "before", "now", "said"),
    [
        ("device", "cuda:0", "cpu", "device: cuda -> cpu"),
        ("precision", "bf16", "fp32", "precision: bf16 -> fp32"),
        ("sync_bn", True, False, "sync_bn: True -> False"),
    ],
)
def test_another_execution_that_changes_what_is_learnt_is_refused(
    tmp_path: Path, key: str, before: Any, now: Any, said: str
) -> None:
    run = make_run(tmp_path, **{key: before})
    with pytest.raises(UsageError, match=rf"other settings \({said}\)"):
        check_resumable(run, CONFIG, {**HERE, key: now}, SAME)
    unrecorded = make_run(tmp_path / "unrecorded", **{key: None})
    if key != "device":  # a device is always recorded
        assert check_resumable(unrecorded, CONFIG, {**HERE, key: now}, SAME) == []


def test_another_gpu_of_the_same_sort_is_the_same_device(tmp_path: Path) -> None:
    run = make_run(tmp_path, device="cuda:0")
    assert check_resumable(run, CONFIG, {**HERE, "device": "cuda:1"}, SAME) == []


def test_other_threads_or_processes_are_noted(tmp_path: Path) -> None:
    def notes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
        run = make_run(tmp_path, **before)
        return check_resumable(run, CONFIG, {**HERE, **now}, SAME)

    assert notes({"threads": 64}, {}) == ["64 threads before, 2 now: sums are rounded otherwise"]
    assert notes({"threads": 64}, {"threads": 64}) == []
    plain = "sums are rounded otherwise"
    local = f"{plain}, and batch norms see other shares of a batch"
    two = {"world_size": 2, "threads": 64}  # the threads go with the processes
    assert notes(two, {}) == [f"2 processes before, 1 now: {plain}"]
    assert notes({**two, "sync_bn": True}, {}) == [f"2 processes before, 1 now: {plain}"]
    assert notes({**two, "sync_bn": False}, {}) == [f"2 processes before, 1 now: {local}"]
    assert notes({}, {**two, "sync_bn": False}) == [f"1 processes before, 2 now: {local}"]
    run = make_run(tmp_path)
    write_json(run.environment, {"data_sha256": "abc"})  # of a netlab that wrote down less
    assert check_resumable(run, CONFIG, HERE, SAME) == []
    alone = {key: value for key, value in HERE.items() if key not in ("world_size", "threads")}
    assert check_resumable(make_run(tmp_path, threads=None), CONFIG, alone, SAME) == []


def test_a_finished_run_is_refused_with_its_figure_unless_it_is_to_be_longer(tmp_path: Path) -> None:
    run = make_run(tmp_path, epoch=3, result=True)
    with pytest.raises(UsageError) as refused:
        check_resumable(run, CONFIG, HERE, SAME)
    assert str(refused.value) == (
        f"run 'r' is finished: test accuracy 0.875, in {run.path}."
        " Train it longer with --epochs (or --patience), or start another with --name or --seed"
    )
    assert check_resumable(run, changed("training", epochs=5), HERE, LONGER) == []
    with pytest.raises(UsageError, match=r"in .*\. Start another with --name or --seed"):
        check_resumable(run, CONFIG, HERE, Continuation(3, "test_accuracy"))


def test_a_run_that_lost_patience_is_finished_until_it_has_more(tmp_path: Path) -> None:
    run = make_run(tmp_path, epoch=2, best=1, result=True)

    def after(patience: int) -> Continuation:
        return Continuation(
            3,
            "test_accuracy",
            SAME.changeable,
            lambda progress: progress.epoch - progress.best_epoch >= patience,
        )

    with pytest.raises(UsageError, match="is finished"):
        check_resumable(run, CONFIG, HERE, after(1))
    assert check_resumable(run, changed("training", patience=2), HERE, after(2)) == []
    assert check_resumable(run, CONFIG, HERE, SAME) == []  # by itself nothing ends it before its epochs


def test_a_run_that_was_killed_before_its_result_goes_on(tmp_path: Path) -> None:
    assert check_resumable(make_run(tmp_path, epoch=3), CONFIG, HERE, SAME) == []


def test_fewer_epochs_than_were_made_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, epoch=3)
    with pytest.raises(UsageError, match="has already made 3 epochs: --epochs may grow"):
        check_resumable(
            run, changed("training", epochs=2), HERE, Continuation(2, "test_accuracy", SAME.changeable)
        )


def test_a_result_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is finished and has no checkpoint"):
        check_resumable(make_run(tmp_path, epoch=0, result=True), CONFIG, HERE, SAME)


def test_a_lost_or_damaged_checkpoint_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.best_checkpoint.unlink()
    with pytest.raises(NetlabError, match=r"there is no checkpoint .*best"):
        check_resumable(run, CONFIG, HERE, SAME)
    run = make_run(tmp_path / "damaged")
    run.last_checkpoint.write_bytes(run.last_checkpoint.read_bytes()[:-1])
    with pytest.raises(NetlabError, match=r"last.safetensors is truncated or damaged"):
        check_resumable(run, CONFIG, HERE, SAME)
    # A task without a score has no best weights.
    assert check_resumable(make_run(tmp_path / "last", best=0), CONFIG, HERE, SAME) == []
