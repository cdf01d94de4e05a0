"""A run that is killed and resumed ends as one that never was: real processes, real SIGKILL."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from netlab.runs.history import COLUMNS

WORDS = (
    "run", "--name", "victim", "--data.size", "24", "--width", "4", "--epochs", "3", "--batch-size", "128",
    "--norm", "bn", "--augment", "translate", "--augment", "rotate", "--degrees", "10",
)  # fmt: skip

# Two epochs of smaller images, whitened filters, Muon, several views.
LEAN = (
    "run", "--name", "victim", "--recipe", "lean", "--data.size", "24", "--width", "4", "--epochs", "3",
    "--batch-size", "128", "--early-share", ".7",
)  # fmt: skip

# Runs netlab and tells the parent when a place is reached: a step, or the n-th time that the checkpoint
# is in its temporary file, about to be flushed and not yet renamed. Then it waits to be killed.
DRIVER = """
import os, sys, time
from netlab.cli.core import progress
from netlab.cli.app import main
kind, number = sys.argv[1], int(sys.argv[2])
flushes, real_fsync = 0, os.fsync

def wait_for_death():
    print("HERE", flush=True)
    time.sleep(600)

def fsync(descriptor):
    global flushes
    flushes += ".last.safetensors." in os.readlink(f"/proc/self/fd/{descriptor}")
    if kind == "flush" and flushes == number:
        wait_for_death()
    real_fsync(descriptor)

def step(self, *, epoch, step, loss):
    if kind == "step" and (epoch - 1) * 10 + step == number:
        wait_for_death()

os.fsync, progress.TerminalReporter.step = fsync, step
main(sys.argv[3:])
"""


def run_to_the_end(folder: Path, words: tuple[str, ...] = WORDS) -> None:
    subprocess.run(
        [sys.executable, "-m", "netlab", *words], cwd=folder, check=True, capture_output=True, timeout=300
    )


def kill_at(folder: Path, kind: str, number: int, words: tuple[str, ...] = WORDS) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", DRIVER, kind, str(number), *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert any(line.strip() == "HERE" for line in victim.stdout), "the place was never reached"
    victim.kill()
    assert victim.wait() == -9


def weights(folder: Path, which: str) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "runs" / "victim" / "checkpoints" / f"{which}.safetensors")


def learnt(folder: Path) -> list[dict[str, str]]:
    """The history without what depends on the clock."""
    clock = {"images_per_second", "seconds"}
    rows = csv.DictReader((folder / "runs" / "victim" / "history.csv").open())
    return [{key: row[key] for key in COLUMNS if key not in clock} for row in rows]


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unharmed")
    run_to_the_end(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("step", 1),  # in the first batch: no checkpoint yet
        ("step", 15),  # in the middle of the second epoch
        ("flush", 1),  # while the first checkpoint is written
        ("flush", 2),  # and the second
    ],
)
def test_killed_and_resumed_equals_never_killed(
    unharmed: Path, tmp_path: Path, kind: str, number: int
) -> None:
    kill_at(tmp_path, kind, number)
    run_to_the_end(tmp_path)
    assert_equal(tmp_path, unharmed)


def assert_equal(folder: Path, unharmed: Path) -> None:
    """The same was learnt, to the bit, and nothing lies about."""
    assert learnt(folder) == learnt(unharmed)
    for which in ("best", "last"):
        ours, theirs = weights(folder, which), weights(unharmed, which)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not list((folder / "runs").rglob("*.tmp"))


def test_epochs_of_smaller_images_and_whitened_filters_go_on_to_the_bit(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("unharmed", "killed")]
    for folder in folders:
        folder.mkdir()
    run_to_the_end(folders[0], LEAN)
    kill_at(folders[1], "step", 15, LEAN)  # in the second epoch of smaller images
    run_to_the_end(folders[1], LEAN)
    assert_equal(folders[1], folders[0])


def test_a_second_process_on_the_same_run_is_refused(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "step", "2", *WORDS], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert any(line.strip() == "HERE" for line in holder.stdout)
        second = subprocess.run(
            [sys.executable, "-m", "netlab", *WORDS],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert second.returncode == 2
        assert "another process is working on run 'victim'" in second.stderr
    finally:
        holder.kill()
        holder.wait()


def test_a_polite_stop_says_how_to_go_on(tmp_path: Path) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "step", "15", *WORDS],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert any(line.strip() == "HERE" for line in victim.stdout)
    victim.terminate()
    _, errors = victim.communicate(timeout=300)
    assert victim.returncode == 143
    assert errors == (
        "netlab: error: stopped by SIGTERM; the same command goes on after the last finished epoch\n"
    )
    assert len(learnt(tmp_path)) == 1
