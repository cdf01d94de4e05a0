"""A finished result is there until there is another one, and a damaged checkpoint costs an epoch at most."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

import netlab
from netlab.training import loop
from tests.conftest import Cli, unlisted

WORDS = ("run", "--norm", "bn", "--name", "r")


class PowerCutError(BaseException):
    """What a kill looks like from inside."""


def cut_at(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let the next training end as if it were killed in an epoch."""
    real = loop.train_epoch

    def train_epoch(forward, task, optimization, optimizer, callbacks, number, *rest):  # type: ignore[no-untyped-def]
        if number == epoch:
            raise PowerCutError
        return real(forward, task, optimization, optimizer, callbacks, number, *rest)

    monkeypatch.setattr(loop, "train_epoch", train_epoch)


def test_extending_a_finished_run_destroys_nothing_when_it_is_killed(
    cli: Cli, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*WORDS, *tiny).code == 0
    run = Path("runs/r")
    result = json.loads((run / "result.json").read_text())
    cv2.imwrite("one.png", np.zeros((24, 24), np.uint8))
    predicted = cli("predict", "one.png", "--json").out
    with monkeypatch.context() as patched:
        cut_at(patched, 4)
        with pytest.raises(PowerCutError):
            cli(*WORDS, *tiny, "--epochs", "5")
    assert not (run / "result.json").exists()
    # all that reads it finds what was finished
    assert cli("predict", "one.png", "--run", "r", "--json").out == predicted
    assert cli("predict", "one.png", "--json").out == predicted
    assert netlab.load_run("r").result == result
    assert netlab.load_run("r").path == run
    shown = json.loads(cli("runs", "show", "r", "--json").out)
    assert (shown["name"], shown["state"]) == ("r", "finished; trained longer, which is not finished")
    assert shown["figures"]["epochs"] == 2
    # the old command still says what it did, the new one goes on
    old = cli(*WORDS, *tiny)
    assert old.code == 2
    assert "run 'r' is finished: test accuracy" in old.err
    assert cli(*WORDS, *tiny, "--epochs", "5").code == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 5
    assert not (run / ".previous").exists()
    assert [row["epoch"] for row in netlab.load_run("r").history] == [1, 2, 3, 4, 5]


def test_a_damaged_last_checkpoint_costs_one_epoch_and_no_bit(
    cli: Cli, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*tiny, "--epochs", "4")
    assert cli("run", "--norm", "bn", "--name", "whole", *words).code == 0
    with monkeypatch.context() as patched:
        cut_at(patched, 4)
        with pytest.raises(PowerCutError):
            cli(*WORDS, *words)
    last = Path("runs/r/checkpoints/last.safetensors")
    last.write_bytes(last.read_bytes()[:-1])
    resumed = cli(*WORDS, *words)
    assert resumed.code == 0, resumed.err
    assert "the last checkpoint is damaged: training goes on after epoch 2" in resumed.out + resumed.err
    ours, theirs = (
        safetensors.torch.load_file(Path("runs", name, "checkpoints/last.safetensors"))
        for name in ("r", "whole")
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_resume_with_other_versions_says_so_and_a_strict_one_refuses(
    cli: Cli, tiny: tuple[str, ...]
) -> None:
    assert cli(*WORDS, *tiny).code == 0
    environment = unlisted(Path("runs/r")) / "environment.json"
    recorded = json.loads(environment.read_text())
    recorded["packages"]["torch"] = "1.0"
    recorded["python"] = "3.0"
    environment.write_text(json.dumps(recorded))
    strict = cli(*WORDS, *tiny, "--epochs", "3", "--strict-resume")
    assert strict.code == 2
    assert "torch 1.0 before, " in strict.err
    assert "Python 3.0 before, " in strict.err
    assert Path("runs/r/result.json").exists()
    resumed = cli(*WORDS, *tiny, "--epochs", "3")
    assert resumed.code == 0
    assert "torch 1.0 before, " in resumed.out + resumed.err
    assert cli(*WORDS, *tiny, "--epochs", "4", "--strict-resume").code == 0


def test_logits_that_are_not_finite_are_an_error(cli: Cli, tiny: tuple[str, ...]) -> None:
    from netlab.training.checkpoint import content_of, read_tensors

    assert cli(*WORDS, *tiny).code == 0
    cv2.imwrite("one.png", np.full((24, 24), 99, np.uint8))
    best = unlisted(Path("runs/r")) / "checkpoints/best.safetensors"
    tensors, progress = read_tensors(best)
    name = next(name for name in tensors if name.endswith("weight"))
    tensors[name] = tensors[name].fill_(float("nan"))
    best.write_bytes(content_of(tensors, progress))
    for words in (("predict", "one.png", "--json"), ("metrics", "csi", "--run", "r")):
        outcome = cli(*words)
        assert outcome.code in (1, 2), words
        assert outcome.out == ""
        assert "not finite" in outcome.err or "features hold nan" in outcome.err
    with pytest.raises(netlab.errors.NetlabError, match="not finite"):
        netlab.load_run("r").evaluate()


def test_one_flipped_bit_of_the_weights_is_noticed(cli: Cli, tiny: tuple[str, ...]) -> None:
    assert cli(*WORDS, *tiny).code == 0
    cv2.imwrite("one.png", np.full((24, 24), 99, np.uint8))
    best = unlisted(Path("runs/r")) / "checkpoints/best.safetensors"
    content = bytearray(best.read_bytes())
    content[-100] ^= 0x40
    best.write_bytes(content)
    outcome = cli("predict", "one.png", "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "best.safetensors is truncated or damaged" in outcome.err
