"""Every write of every writing command: killed before, after or in it, or refused by the system; then gone on with.

The commands are real processes (``server.py``), their writes are counted and made to fail below Python
(``inject.c``). After the fault the same command is given again, and must leave what it leaves undisturbed, to the
bit, with every file as its manifest lists it and nothing left over. ``make faults`` tries every write with every
fault, ``make test`` a few of them.
"""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch

from netlab.runs.directory import RunDirectory
from netlab.runs.library import verify

HERE = Path(__file__).parent
KINDS = {"killed before": -1, "killed after": -2, "killed in": -3}
KINDS |= {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EACCES")}
LONG = "NETLAB_FAULTS" in os.environ
MOST = int(os.environ.get("NETLAB_FAULT_POINTS", 10_000))  # of each command, in the long form

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None,
    reason="faults are injected by a library made with gcc",
)
Outcome = Callable[[Path], Any]
TINY = (
    "--data", "npz", "--data.path", "few.npz", "--width", "4", "--norm", "bn", "--batch-size", "16",
    "--precision", "fp32", "--name", "r",
)  # fmt: skip
MEASURED = re.compile("second|speed")  # what differs between two runs of one command


WARM = (("run", *TINY, "--epochs", "1"), ("metrics", "si", "--run", "r"), ("report", "--images", "0"))


class Server:
    """Makes processes of commands."""

    def __init__(self, library: Path, cache: Path, warm: Path) -> None:
        settings = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "NETLAB_CACHE": str(cache),
            "OMP_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, HERE / "server.py", json.dumps(WARM)],
            cwd=warm,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, words: tuple[str, ...], folder: Path, at: int = 0, kind: int = 0, log: Path | None = None
    ) -> tuple[int, str]:
        """How a command ended, and what it said."""
        output = folder.parent / f"{folder.name}.txt"
        request = {
            "words": words, "cwd": str(folder), "at": at, "kind": kind, "output": str(output), "log": str(log or ""),
        }  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["code"], output.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    library = folder / "inject.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "inject.c", "-ldl"], check=True)
    (folder / "warm").mkdir()
    given(folder / "warm")
    server = Server(library, folder / "cache", folder / "warm")
    yield server
    server.process.communicate("")


def tensors(path: Path) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in safetensors.torch.load_file(path).items()}


def unmeasured(path: Path) -> Any:
    """A CSV file without the columns of times."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    kept = [at for at, name in enumerate(rows[0]) if not MEASURED.search(name)]
    return [[row[at] for at in kept] for row in rows]


def of_run(run: str, folder: Path) -> Any:
    """What a training leaves but for times."""
    path = folder / run
    result = json.loads((path / "result.json").read_text())
    files = sorted(path.glob("checkpoints/*.safetensors")) + sorted(path.glob("model.safetensors"))
    return (
        {key: value for key, value in result.items() if not MEASURED.search(key)},
        {file.name: tensors(file) for file in files},
        unmeasured(path / "history.csv"),
        sorted(
            file.relative_to(path).as_posix() for file in path.rglob("*") if not file.name.endswith(".lock")
        ),
    )


def of_page(folder: Path) -> Any:
    page = (folder / "report.html").read_text()
    assert page.rstrip().endswith("</html>")
    return "Data npz" in page, len(page) // 5000


@dataclass(frozen=True)
class Command:
    """What is tried: its words, what it leaves, what must have been given before, how often the short form tries."""

    words: tuple[str, ...]
    outcome: Outcome
    before: tuple[str, ...] = ()
    tries: int = 6
    finished: str = ""  # a run that is finished all the time


RUN = ("run", *TINY, "--epochs", "2")
TRAIN = (
    "detect", "train", "voc", "--detector", "rcnn", "--weights", "none", "--image-side", "96", "--long-side", "60", "--limit", "30",
    "--epochs", "2", "--no-cache", "--name", "d",
)  # fmt: skip
COMMANDS = {
    "run": Command(RUN, partial(of_run, "runs/r"), tries=12),
    "longer": Command(
        ("run", *TINY, "--epochs", "3"), partial(of_run, "runs/r"), RUN, tries=10, finished="runs/r"
    ),
    "metrics": Command(
        ("metrics", "si", "--run", "r"), lambda folder: unmeasured(folder / "runs/r/separability.csv"), RUN,
        finished="runs/r",
    ),
    "predict": Command(
        ("predict", "one.png", "--run", "r", "--out", "out.csv"), lambda folder: (folder / "out.csv").read_text(), RUN,
        finished="runs/r",
    ),
    "report": Command(("report", "--images", "0"), of_page, RUN, tries=2, finished="runs/r"),
    "detect train": Command(TRAIN, partial(of_run, "detectors/d"), tries=4),
}  # fmt: skip


def given(folder: Path) -> None:
    """The data of all commands."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (48, 24, 24), dtype=np.uint8), np.arange(48) % 3
    np.savez(
        folder / "few.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )
    cv2.imwrite(str(folder / "one.png"), images[0])
    sys.path.insert(0, str(HERE.parents[1] / "examples"))
    from make_voc_scenes import make_scenes

    make_scenes(folder / "voc", train=4, val=2, size=(50, 60))


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.name.endswith((".tmp", ".partial", ".new"))]


def check_fault(code: int, said: str, kind: int) -> None:
    """A process ends by its kill, or says in one line what the system refused; or it needed it not."""
    if kind < 0:
        assert code in (-9, 0), said  # 0: this time it made fewer writes
    else:
        assert code in (0, 1), f"{code}: {said}"
        assert "Traceback" not in said
        errors = said.split("netlab: error: ")[1:]
        assert len(errors) == code, said
        assert not any(".tmp" in error or len(error.splitlines()) > 1 for error in errors), said


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_write_fails_the_same_command_ends_as_if_nothing_had_happened(
    name: str, server: Server, tmp_path: Path
) -> None:
    tried = COMMANDS[name]
    base, folder, log = tmp_path / "base", tmp_path / "tried", tmp_path / "log"
    folder.mkdir()
    given(folder)
    if tried.before:
        assert server(tried.before, folder)[0] == 0
    shutil.copytree(folder, base)
    code, said = server(tried.words, folder, log=log)
    assert code == 0, said
    expected, writes = tried.outcome(folder), len(log.read_text().splitlines())
    points = [(at, kind) for at in range(1, writes + 1) for kind in KINDS]
    chosen = random.Random(name).sample(points, min(MOST if LONG else tried.tries, len(points)))
    counts: Counter[str] = Counter()
    wrong = []
    for at, kind in chosen:
        shutil.rmtree(folder)
        shutil.copytree(base, folder)
        try:
            try_fault(tried, server, folder, at, KINDS[kind], expected)
        except AssertionError as error:
            wrong.append(f"write {at} of {writes}, {kind}: {str(error)[:2000]}")
        counts[kind] += 1
    print(
        f"{name}: {sum(counts.values())} faults at {writes} writes, {dict(counts)}, {len(wrong)} not gone on with"
    )
    assert wrong == []


def try_fault(tried: Command, server: Server, folder: Path, at: int, kind: int, expected: Any) -> None:
    """Let one write fail, give the command again, and compare."""
    ended, said = server(tried.words, folder, at, kind)
    check_fault(ended, said, kind)
    if tried.finished:
        assert RunDirectory(folder / tried.finished).to_read.is_finished, "the finished run is gone"
    code, said = server(tried.words, folder)
    assert code == 0 or "is finished" in said, f"not gone on with: {said}"
    assert leftovers(folder) == []
    assert tried.outcome(folder) == expected, "something else is left"
    for path in folder.glob("*/*/manifest.json"):
        assert verify(RunDirectory(path.parent)).problems == ()
