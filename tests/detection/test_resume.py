"""A detector's training that is killed and resumed ends as one that never was: a real process, a real SIGKILL."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from netlab.files import write_json
from tests.conftest import unlisted

# Hard negatives are mined after the first epoch: the last checkpoint of the victim holds them.
REGIONS = (
    "--detector", "rcnn", "--weights", "none", "--image-side", "192", "--long-side", "120", "--limit", "60", "--epochs", "3",
    "--jitter", "4", "--mine-after", "1", "--hidden", "4", "--dropout", "0.2", "--no-cache", "--quiet",
)  # fmt: skip

NETWORK = (
    "--detector", "faster-rcnn", "--weights", "none", "--image-side", "96", "--epochs", "3", "--batch-size", "2",
    "--least-steps", "3", "--channels", "16", "--detector.hidden", "16", "--quiet",
)  # fmt: skip

# Waits to be killed while the checkpoint of the third epoch is in its temporary file, not yet renamed.
DRIVER = """
import os, sys, time
from netlab.cli.app import main
flushes, real_fsync = 0, os.fsync

def fsync(descriptor):
    global flushes
    flushes += ".last.safetensors." in os.readlink(f"/proc/self/fd/{descriptor}")
    if flushes == 3:
        print("HERE", flush=True)
        time.sleep(600)
    real_fsync(descriptor)

os.fsync = fsync
main(sys.argv[1:])
"""


def learnt(run: Path) -> list[dict[str, str]]:
    """The history without what depends on the clock."""
    rows = csv.DictReader((run / "history.csv").open())
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def kill(scenes: Path, tmp_path: Path, words: tuple[str, ...]) -> Path:
    """Train in a process that is killed while it writes the third checkpoint; gives the run."""
    words = (
        "detect", "train", str(scenes), *words, "--detectors", str(tmp_path / "detectors"), "--name", "victim",
    )  # fmt: skip
    victim = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    assert any(line.strip() == "HERE" for line in victim.stdout), "the place was never reached"
    victim.kill()
    assert victim.wait() == -9
    return tmp_path / "detectors" / "victim"


@pytest.mark.parametrize("words", [REGIONS, NETWORK], ids=["rcnn", "faster-rcnn"])
def test_killed_and_resumed_equals_never_killed(
    cli: Callable[..., Any], scenes: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    killed = kill(scenes, tmp_path, words)
    assert len(learnt(killed)) == 3  # the history was ahead of the checkpoint
    assert not (killed / "result.json").exists()

    def train(name: str) -> Path:
        done = cli("detect", "train", scenes, *words, "--detectors", tmp_path / "detectors", "--name", name)
        assert done.code == 0, done.err
        return tmp_path / "detectors" / name

    # Data that changed in between is noticed; then the same command goes on.
    environment = unlisted(killed) / "environment.json"
    recorded = json.loads(environment.read_text())
    write_json(environment, recorded | {"data_sha256": "0" * 64})
    changed = cli(
        "detect", "train", scenes, *words, "--detectors", tmp_path / "detectors", "--name", "victim"
    )
    assert changed.code == 2
    assert "the data of run 'victim' has changed" in changed.err
    write_json(environment, recorded)

    resumed, unharmed = train("victim"), train("unharmed")
    assert learnt(resumed) == learnt(unharmed)
    if words is REGIONS:
        assert int(learnt(resumed)[-1]["hard_negatives"]) > 0
    ours, theirs = (
        safetensors.torch.load_file(run / "checkpoints" / "last.safetensors") for run in (resumed, unharmed)
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (resumed / "model.safetensors").read_bytes() == (unharmed / "model.safetensors").read_bytes()
    assert not list(killed.rglob("*.tmp"))
