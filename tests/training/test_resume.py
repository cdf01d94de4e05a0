"""What a run is resumed with, and what is refused: one check for every task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from netlab.errors import NetlabError, UsageError
from netlab.runs.config import to_toml
from netlab.runs.directory import RunDirectory
from netlab.runs.files import write_json, write_text
from netlab.training.checkpoint import Progress, save_weights
from netlab.training.resume import AlreadyFinishedError, Continuation, check_resumable

CONFIG = {
    "run": {"name": "r"},
    "part": {"name": "a", "sizes": [1, 2], "left": None},
    "training": {"epochs": 4, "lr": 0.5},
}
HERE = {
    "data_sha256": "d", "device": "cpu", "precision": "fp32", "sync_bn": None, "world_size": 1, "threads": 2,
}  # fmt: skip
GROWING = Continuation(epochs=4, result="test_accuracy", changeable=frozenset({"epochs"}))
FIXED = Continuation(epochs=4, result="ap50")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run of two of four epochs, the first of them the best."""
    run = RunDirectory(tmp_path / "r")
    run.create()
    write_text(run.config, to_toml(CONFIG))
    write_json(run.environment, HERE)
    for path in (run.last_checkpoint, run.best_checkpoint):
        save_weights(path, nn.Linear(2, 1), Progress(2, 1, (0.9,)))
    return run


def with_training(**changes: Any) -> dict[str, Any]:
    return CONFIG | {"training": CONFIG["training"] | changes}


def test_a_run_that_is_not_there_is_new(tmp_path: Path) -> None:
    assert check_resumable(RunDirectory(tmp_path / "new"), CONFIG, HERE, FIXED) == []


def test_the_same_run_is_resumed_without_a_word(run: RunDirectory) -> None:
    assert check_resumable(run, CONFIG, HERE, FIXED) == []
    renamed = CONFIG | {"run": {"name": "other"}}  # where it lies is not what it is
    assert check_resumable(run, renamed, HERE, FIXED) == []


def test_every_value_that_differs_is_named(run: RunDirectory) -> None:
    other = with_training(lr=0.25) | {"part": {"name": "b", "sizes": (1, 2), "more": 1}}
    with pytest.raises(UsageError, match="other settings") as refused:
        check_resumable(run, other, HERE, FIXED)
    for difference in ("part.name: a -> b", "part.more: absent -> 1", "training.lr: 0.5 -> 0.25"):
        assert difference in str(refused.value)
    assert "sizes" not in str(refused.value)
    with pytest.raises(UsageError, match="part.name: a -> absent"):
        check_resumable(run, {"training": CONFIG["training"]}, HERE, FIXED)


def test_only_what_may_change_may_change(run: RunDirectory) -> None:
    longer = with_training(epochs=9)
    assert check_resumable(run, longer, HERE, replace(GROWING, epochs=9)) == []
    with pytest.raises(UsageError, match="training.epochs: 4 -> 9"):
        check_resumable(run, longer, HERE, replace(FIXED, epochs=9))
    with pytest.raises(UsageError, match="already made 2 epochs: --epochs may grow"):
        check_resumable(run, with_training(epochs=1), HERE, replace(GROWING, epochs=1))
    assert check_resumable(run, with_training(epochs=2), HERE, replace(GROWING, epochs=2)) == []


@pytest.mark.parametrize(
    ("here", "message"),
    [
        ({"data_sha256": "e"}, "the data of run 'r' has changed"),
        ({"device": "cuda:1"}, "device: cpu -> cuda"),
        ({"precision": "bf16"}, "precision: fp32 -> bf16"),
    ],
)
def test_other_data_and_another_kind_of_device_are_refused(
    run: RunDirectory, here: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        check_resumable(run, CONFIG, HERE | here, FIXED)


def test_the_number_of_a_gpu_does_not_matter(run: RunDirectory) -> None:
    write_json(run.environment, HERE | {"device": "cuda:3"})
    assert check_resumable(run, CONFIG, HERE | {"device": "cuda"}, FIXED) == []


@pytest.mark.parametrize(
    ("before", "now", "note"),
    [
        ({}, {"threads": 8}, "2 threads before, 8 now: sums are rounded otherwise"),
        (
            {}, {"world_size": 2, "sync_bn": True},
            "1 processes before, 2 now: sums are rounded otherwise",
        ),
        (
            {}, {"world_size": 2, "sync_bn": False},
            "1 processes before, 2 now: sums are rounded otherwise, and batch norms see other shares of a batch",
        ),
        (
            {"world_size": 2, "sync_bn": False}, {"world_size": 3, "sync_bn": False},
            "2 processes before, 3 now: sums are rounded otherwise, and batch norms see other shares of a batch",
        ),
    ],
)  # fmt: skip
def test_other_threads_and_processes_are_noted(
    run: RunDirectory, before: dict[str, Any], now: dict[str, Any], note: str
) -> None:
    write_json(run.environment, HERE | before)
    assert check_resumable(run, CONFIG, HERE | now, FIXED) == [note]


def test_a_finished_run_says_what_can_be_done(run: RunDirectory) -> None:
    for path in (run.last_checkpoint, run.best_checkpoint):
        save_weights(path, nn.Linear(2, 1), Progress(4, 1, (0.9,)))
    assert check_resumable(run, CONFIG, HERE, GROWING) == []  # its result is missing
    write_json(run.result, {"test_accuracy": 0.75, "ap50": 0.5})
    with pytest.raises(
        AlreadyFinishedError, match=r"finished: test accuracy 0.75, in .*longer with --epochs"
    ):
        check_resumable(run, CONFIG, HERE, GROWING)
    with pytest.raises(AlreadyFinishedError, match=r"finished: ap50 0.5, in .*Start another with --name"):
        check_resumable(run, CONFIG, HERE, FIXED)
    assert check_resumable(run, with_training(epochs=5), HERE, replace(GROWING, epochs=5)) == []


def test_a_run_that_ended_early_is_finished(run: RunDirectory) -> None:
    write_json(run.result, {"test_accuracy": 0.75})
    assert check_resumable(run, CONFIG, HERE, GROWING) == []  # half of its epochs are left
    patient = replace(GROWING, is_over=lambda progress: progress.epoch - progress.best_epoch >= 1)
    with pytest.raises(AlreadyFinishedError):
        check_resumable(run, CONFIG, HERE, patient)


@pytest.mark.parametrize("lost", ["last_checkpoint", "best_checkpoint"])
def test_damaged_and_lost_checkpoints_are_noticed_before_anything_is_written(
    run: RunDirectory, lost: str
) -> None:
    path: Path = getattr(run, lost)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(NetlabError, match=f"{path.name} is truncated or damaged"):
        check_resumable(run, CONFIG, HERE, FIXED)


def test_the_best_weights_of_a_task_without_a_score_are_not_missed(run: RunDirectory) -> None:
    save_weights(run.last_checkpoint, nn.Linear(2, 1), Progress(2))
    run.best_checkpoint.unlink()
    assert check_resumable(run, CONFIG, HERE, FIXED) == []


def test_a_run_without_its_checkpoint_begins_again_unless_it_is_finished(run: RunDirectory) -> None:
    run.last_checkpoint.unlink()
    assert check_resumable(run, CONFIG, HERE, FIXED) == []
    write_json(run.result, {})
    with pytest.raises(UsageError, match="is finished and has no checkpoint to go on from"):
        check_resumable(run, CONFIG, HERE, FIXED)


def test_a_checkpoint_of_nobody_knows_what_is_refused(run: RunDirectory) -> None:
    run.config.unlink()
    with pytest.raises(NetlabError, match=r"has a checkpoint but no config.toml"):
        check_resumable(run, CONFIG, HERE, FIXED)


def test_a_damaged_configuration_is_named(run: RunDirectory) -> None:
    run.config.write_text("[run")
    with pytest.raises(NetlabError, match=r"config.toml is damaged"):
        check_resumable(run, CONFIG, HERE, FIXED)
