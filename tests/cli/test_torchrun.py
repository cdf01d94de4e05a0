"""``torchrun -m netlab run`` with two processes: real processes, gloo on 127.0.0.1, a real SIGKILL."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from netlab.cli.app import main

Ended = subprocess.CompletedProcess[str]

# No max pooling: in the plain background of a digit its windows are tied, and rounding picks the winner.
# Not --width 4: with under 8 channels, PyTorch 2.14's backward pass of a 1x1 convolution of stride 2 in
# channels-last float32 writes outside its memory on processors with AVX2.
WORDS = (
    "run", "--name", "shared", "--backbone", "resnet", "--depth", "8", "--width", "8", "--data.size", "16",
    "--norm", "bn", "--epochs", "2", "--batch-size", "127", "--augment", "translate",
    "--augment", "rotate", "--degrees", "10", "--precision", "fp32",
    "--threads", "1",
)  # fmt: skip
# A port of its own: 29500, which torchrun takes by itself, may be another's.
TORCHRUN = (
    sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1",
    "--nproc-per-node", "2",
)  # fmt: skip
STEPS = 1295 // 127  # an epoch

# Runs netlab, and does to rank 1 what argument 1 says in the middle of the second epoch.
DRIVER = f"""
import os, signal, sys
from netlab.cli.app import main
from netlab.training import loop
clip, steps = loop.nn.utils.clip_grad_norm_, 0

def harm(*arguments):
    global steps
    steps += 1
    if steps == {STEPS + STEPS // 2} and os.environ["RANK"] == "1":
        if sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("only rank 1 fails")
    return clip(*arguments)

loop.nn.utils.clip_grad_norm_ = harm
main(sys.argv[2:])
"""


def environment() -> dict[str, str]:
    return os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}


def torchrun(folder: Path, *words: str) -> Ended:
    return subprocess.run(
        [*TORCHRUN, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def start_both(folder: Path, *words: str) -> list[Ended]:
    """Two processes with the environment that torchrun would give them, without its own weight."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = []
    for rank in ("0", "1"):
        launch = {
            "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        }  # fmt: skip
        processes.append(
            subprocess.Popen(
                [sys.executable, *words],
                cwd=folder,
                env=environment() | launch,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate(timeout=600) for process in processes]
    return [
        Ended(words, process.returncode, *output) for process, output in zip(processes, outputs, strict=True)
    ]


def run_together(folder: Path) -> Ended:
    done = torchrun(folder, "-m", "netlab", *WORDS)
    assert done.returncode == 0, done.stderr
    return done


def driver(folder: Path) -> str:
    path = folder / "driver.py"
    path.write_text(DRIVER)
    return str(path)


def complaints(*ended: Ended) -> list[str]:
    return [line for one in ended for line in one.stderr.splitlines() if line.startswith("netlab: ")]


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "runs" / "shared" / "checkpoints" / f"{which}.safetensors")


def history(folder: Path) -> list[list[float]]:
    """What does not depend on the clock, an epoch a row."""
    columns = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr")
    rows = csv.DictReader((folder / "runs" / "shared" / "history.csv").open())
    return [[float(row[column]) for column in columns] for row in rows]


def result(folder: Path) -> dict[str, object]:
    return json.loads((folder / "runs" / "shared" / "result.json").read_text())


def same_up_to_rounding(folder: Path, other: Path) -> None:
    # Twenty steps magnify float32's 6e-8 somewhat.
    torch.testing.assert_close(history(folder), history(other), rtol=1e-4, atol=1e-6)
    ours, theirs = weights(folder), weights(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(
            ours[name], theirs[name], rtol=1e-3, atol=1e-4, msg=lambda m, n=name: n + m
        )
    assert result(folder)["confusion"] == result(other)["confusion"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    with contextlib.chdir(folder), pytest.raises(SystemExit) as leaving:
        main(WORDS)
    assert leaving.value.code == 0
    return folder


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    folder = tmp_path_factory.mktemp("together")
    return folder, run_together(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    folder = tmp_path_factory.mktemp("killed")
    return folder, torchrun(folder, driver(folder), "kill", *WORDS)


def test_two_processes_learn_what_one_does(alone: Path, together: tuple[Path, Ended]) -> None:
    same_up_to_rounding(together[0], alone)


def test_only_the_first_process_prints_and_writes(together: tuple[Path, Ended]) -> None:
    folder, done = together
    assert done.stdout.count("epoch 1/2") == done.stdout.count("test accuracy") == 1
    assert "2 processes, cpu, fp32" in done.stdout
    assert done.stderr == ""
    recorded = json.loads((folder / "runs" / "shared" / "environment.json").read_text())
    assert (recorded["world_size"], recorded["backend"], recorded["threads"]) == (2, "gloo", 1)
    assert recorded["sync_bn"] is True


def test_a_killed_process_ends_all_with_a_message_and_leaves_the_last_epoch(
    killed: tuple[Path, Ended],
) -> None:
    folder, ended = killed
    assert ended.returncode != 0
    (line,) = complaints(ended)
    assert "the same command goes on after the last finished epoch" in line
    assert len(history(folder)) == 1
    assert not (folder / "runs" / "shared" / "result.json").exists()


def test_a_killed_run_resumes_with_as_many_processes_to_the_bit(
    killed: tuple[Path, Ended], together: tuple[Path, Ended], tmp_path: Path
) -> None:
    shutil.copytree(killed[0] / "runs", tmp_path / "runs")
    resumed = run_together(tmp_path)
    assert "resuming after epoch 1" in resumed.stdout
    assert "note: " not in resumed.stdout
    assert history(tmp_path) == history(together[0])
    for which in ("last", "best"):
        ours, theirs = weights(tmp_path, which), weights(together[0], which)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_killed_run_resumes_in_one_process_up_to_rounding(
    killed: tuple[Path, Ended], alone: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    shutil.copytree(killed[0] / "runs", tmp_path / "runs")
    resumed = cli(*WORDS)
    assert resumed.code == 0, resumed.err
    assert "note: 2 processes before, 1 now" in resumed.out
    same_up_to_rounding(tmp_path, alone)


def test_an_error_of_one_process_is_told_once(tmp_path: Path) -> None:
    ended = start_both(tmp_path, driver(tmp_path), "raise", *WORDS)
    assert [one.returncode for one in ended] == [1, 1]
    assert complaints(*ended) == ["netlab: error: ValueError: only rank 1 fails (--debug shows where)"]


def test_more_processes_than_images_in_a_batch_is_one_clear_line(tmp_path: Path) -> None:
    ended = start_both(tmp_path, "-m", "netlab", *WORDS, "--batch-size", "1")
    assert [one.returncode for one in ended] == [2, 2]
    (line,) = set(complaints(*ended))  # rank 0 keeps the store here: gone, it can not tell who was first
    assert "2 processes can not share a batch of 1: start fewer" in line
    assert not (tmp_path / "runs").exists()


def test_another_command_is_done_once(tmp_path: Path, cli: Callable[..., Any]) -> None:
    first, second = start_both(tmp_path, "-m", "netlab", "plugins", "list")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == cli("plugins", "list").out
    assert (second.stdout, second.stderr) == ("", "")
