"""netlab sweep and netlab compare, end to end on tiny data."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

Cli = Callable[..., Any]


@pytest.fixture(scope="session")
def data_flags(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """40 training and 20 test images of 24x24 in two classes, bright on the left or on the right."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 40), ("test", 20)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 24, 24), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 12 * label : 12 * (label + 1)] += 100
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(path, **arrays)
    return ("--data", "npz", "--data.path", str(path), "--width", "4", "--precision", "fp32")


def results(folder: Path = Path()) -> dict[str, dict[str, Any]]:
    """result.json of every run, without what is measured by the clock."""
    found = {}
    for path in sorted((folder / "runs").glob("*/result.json")):
        result = json.loads(path.read_text())
        found[path.parent.name] = {key: value for key, value in result.items() if "second" not in key}
    return found


def test_a_sweep_makes_every_run_compares_them_and_is_skipped_the_second_time(
    cli: Cli, data_flags: tuple[str, ...]
) -> None:
    words = ("sweep", "--block", "residual,grouped", "--paths", "1,2", "--norm", "bn", "--seeds", "2",
             "--epochs", "1", "--name", "all", "--yes", *data_flags)  # fmt: skip
    outcome = cli(*words)
    assert outcome.code == 0, outcome.err
    assert "6 runs: 3 assemblies x 2 seeds" in outcome.out
    assert "2 combinations mean the same" in outcome.out
    made = results()
    assert len(made) == 6
    assert "grouped, paths 2" in outcome.out
    times = {path: path.stat().st_mtime_ns for path in Path("runs").glob("*/result.json")}

    again = cli(*words)
    assert again.code == 0, again.err
    assert "6 are finished and skipped" in again.out
    assert times == {path: path.stat().st_mtime_ns for path in Path("runs").glob("*/result.json")}

    # the figures of the table are those of the runs
    table = cli("compare", "--sweep", "all", "--format", "csv")
    rows = [row for row in csv.DictReader(io.StringIO(table.out)) if row["measure"] == "test_accuracy"]
    assert rows[0]["verdict"] == "baseline"
    assert len(rows) == 3
    by_name = {name: result["test_accuracy"] for name, result in made.items()}
    in_order = json.loads(Path("runs/sweeps/all.json").read_text())["runs"]
    base, ours = ([by_name[name] for name in in_order[start : start + 2]] for start in (0, 2))
    (row,) = [row for row in rows if row["assembly"] == "grouped, paths 1"]
    assert float(row["mean"]) == pytest.approx(np.mean(ours))
    if np.ptp(np.subtract(ours, base)):
        interval = stats.ttest_rel(ours, base).confidence_interval(0.95)
        assert (float(row["low"]), float(row["high"])) == pytest.approx((interval.low, interval.high))

    # every run is one that netlab run can make, with the same result
    command = json.loads(next(Path("runs").glob("*/environment.json")).read_text())["command"]
    assert command[:2] == ["netlab", "sweep"]
    single = cli("run", "--block", "residual", "--norm", "bn", "--seed", "1", "--epochs", "1",
                 "--name", "single", *data_flags)  # fmt: skip
    assert single.code == 0, single.err
    (swept,) = [name for name in made if "-residual-bn-s1-" in name]
    assert results()["single"]["test_loss"] == made[swept]["test_loss"]


def test_a_failing_run_is_shown_and_does_not_stop_the_rest(cli: Cli, data_flags: tuple[str, ...]) -> None:
    outcome = cli("sweep", "--lr", "0.01,1e30", "--seeds", "1", "--epochs", "3", "--workers", "1", "--yes",
                  *data_flags)  # fmt: skip
    assert outcome.code == 1
    assert "the loss became" in outcome.out
    assert "1 of 2 runs failed" in outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    assert len(results()) == 1
    assert "the loss became" in next(Path("runs").glob("*/error.txt")).read_text()


def test_a_grid_file_with_flags_before_it(cli: Cli, data_flags: tuple[str, ...]) -> None:
    Path("grid.toml").write_text(
        f"""
        [sweep]
        name = "from-file"
        seeds = 5
        baseline = "bn, skip"
        [data]
        name = "npz"
        path = "{data_flags[3]}"
        [backbone]
        width = 4
        [norm]
        name = ["none", "bn"]
        [training]
        epochs = 1
        [[also]]
        block.skip = false
        norm.name = "bn"
        """
    )
    outcome = cli("sweep", "--grid", "grid.toml", "--seeds", "1", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "3 runs: 3 assemblies x 1 seeds" in outcome.out
    assert not Path("runs").exists()


def test_switches_take_alternatives(cli: Cli, data_flags: tuple[str, ...]) -> None:
    outcome = cli("sweep", "--skip", "on,off", "--no-nesterov", "--seeds", "1", "--epochs", "1", "--dry-run",
                  *data_flags)  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "2 runs" in outcome.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--block", "residual,groupd"), "there is no block 'groupd'"),
        (("--block", "residual", "--paths", "1,2"), "--paths belongs to block 'grouped'"),
        (("--lr", "0.1,,0.2"), "an empty value"),
        (("--epochs", "1,x"), "--epochs x"),
        (("--lr", "0.1,-1"), "greater than 0"),
        (("--grid", "nothing.toml"), "no file nothing.toml"),
        (("--seeds", "2", "--seed", "3"), "give one"),
        (("--metrics", "sj"), "there is no metric 'sj'"),
        (("--name", "../x", "--yes"), "--name ../x"),
        ((), "add --yes"),
        (("--norm", "gn", "--groups", "3", "--yes"), "none of the assemblies can be built"),
    ],
    ids=str,
)
def test_what_can_not_be_swept_is_one_line(
    cli: Cli, data_flags: tuple[str, ...], words: tuple[str, ...], message: str
) -> None:
    outcome = cli("sweep", *words, *data_flags)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.split())
    assert "Traceback" not in outcome.err


def test_an_unknown_table_of_a_grid_file_is_named(cli: Cli) -> None:
    Path("grid.toml").write_text("[blok]\nname = 'grouped'\n")
    outcome = cli("sweep", "--grid", "grid.toml")
    assert (outcome.code, "Did you mean 'block'" in outcome.err) == (2, True)


def workers_of(parent: int) -> list[int]:
    """The spawned worker processes of a sweep."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
                words = (folder / "cmdline").read_text()
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == parent and "spawn_main" in words:
                found.append(int(folder.name))
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers in /proc")
def test_a_killed_worker_s_run_is_done_again_and_a_killed_sweep_resumes(
    data_flags: tuple[str, ...], tmp_path: Path
) -> None:
    words = ("sweep", "--seeds", "1", "--epochs", "25", "--workers", "1", "--yes", "--name", "k", *data_flags)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "netlab", *words], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def checkpoints() -> list[Path]:
        return list(tmp_path.glob("runs/*/checkpoints/last.safetensors"))

    sweep = start()
    wait_for(checkpoints)
    (worker,) = workers_of(sweep.pid)
    os.kill(worker, signal.SIGKILL)
    # the second worker goes on where the first was; then the sweep itself is killed, and its worker ends
    (second,) = wait_for(lambda: [pid for pid in workers_of(sweep.pid) if pid != worker])
    sweep.send_signal(signal.SIGKILL)
    sweep.communicate(timeout=300)
    wait_for(lambda: not Path(f"/proc/{second}").exists())

    finished = start()
    out, err = finished.communicate(timeout=300)
    assert finished.returncode == 0, err
    assert "resumed" in out
    killed = results(tmp_path)

    (name,) = killed
    # a single worker has all processors, and sums depend on the number of threads
    environment["OMP_NUM_THREADS"] = str(len(os.sched_getaffinity(0)))
    single = ["run", "--name", name, "--runs", "elsewhere/runs", "--epochs", "25", *data_flags]
    subprocess.run(
        [sys.executable, "-m", "netlab", *single], cwd=tmp_path, env=environment, check=True,
        capture_output=True, timeout=300,
    )  # fmt: skip
    assert killed == results(tmp_path / "elsewhere")


def test_compare_refuses_other_data_and_forces_with_a_banner(cli: Cli, tiny: tuple[str, ...]) -> None:
    for name, split in (("a", "0"), ("b", "1")):
        done = cli("run", "--name", name, "--split-seed", split, *tiny, "--epochs", "1")
        assert done.code == 0, done.err
    refused = cli("compare", "a", "b")
    assert (refused.code, "different validation splits" in refused.err) == (2, True)
    forced = cli("compare", "a", "b", "--force")
    assert forced.code == 0, forced.err
    assert "NOT COMPARABLE" in forced.out
    assert "one seed each" in forced.out

    # an unfinished run, a damaged one and foreign files are named, and the rest is compared
    Path("runs/b/result.json").write_text("{")
    Path("runs/c").mkdir()
    Path("runs/c/config.toml").write_text("not toml")
    Path("runs/notes.txt").write_text("mine")
    shown = cli("compare")
    assert shown.code == 0, shown.err
    assert "damaged" in shown.err
    assert "'b' is not finished" in shown.err
    assert "Traceback" not in shown.err
    assert "test accuracy" in shown.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no run in 'runs'"),
        (("nothing",), "there is no run 'nothing'"),
        (("--sweep", "nothing"), "there is no sweep 'nothing'"),
        (("x", "--sweep", "y"), "not both"),
    ],
    ids=str,
)
def test_what_can_not_be_compared_is_one_line(cli: Cli, words: tuple[str, ...], message: str) -> None:
    outcome = cli("compare", *words)
    assert outcome.code == 2
    assert message in outcome.err
