"""netlab sweep and netlab compare, end to end on tiny data."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy import stats

from netlab.cli.app import main

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


def test_a_damaged_result_is_made_again_and_a_damaged_configuration_fails_its_own_run(
    cli: Cli, data_flags: tuple[str, ...]
) -> None:
    words = ("sweep", "--seeds", "2", "--epochs", "2", "--workers", "1", "--yes", *data_flags)
    assert cli(*words).code == 0
    before = results()
    first, second = sorted(Path("runs").glob("*/result.json"))
    first.write_text('{"test_accuracy":')
    (second.parent / "config.toml").write_bytes(b"\xff")
    outcome = cli(*words)
    assert outcome.code == 1
    assert "2 are begun and resumed" in outcome.out
    assert "config.toml is damaged" in outcome.out
    assert "1 of 2 runs failed" in outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    assert results()[first.parent.name] == before[first.parent.name]


def test_a_grid_file_with_flags_before_it(cli: Cli, data_flags: tuple[str, ...]) -> None:
    Path("grid.toml").write_text(
        f"""
        [sweep]
        name = "from-file"
        seeds = 5
        baseline = "no skip, bn"
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
    assert "3 runs: 3 assemblies x 1 seed" in outcome.out
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
        (("--lr", "0.1,-1"), "--lr -1: expected a number, > 0"),
        (("--grid", "nothing.toml"), "no file nothing.toml"),
        (("--seeds", "2", "--seed", "3"), "give one"),
        (("--metrics", "sj"), "there is no metric 'sj'"),
        (("--name", "../x", "--yes"), "--name '../x'"),
        (("--name", "", "--yes"), "--name ''"),
        ((), "add --yes"),
        (("--baseline", "nosuch", "--yes"), "--baseline nosuch: there is no such assembly"),
        (
            ("--executor", "ray", "--ray-address", "127.0.0.1:1", "--yes"),
            "no Ray cluster answers at 127.0.0.1:1",
        ),
        (("--ray-address", "auto", "--yes"), "--ray-address belongs to --executor ray"),
        (("--slurm", "time=3", "--yes"), "--slurm belongs to --executor slurm"),
        (("--gpus-per-run", ".5", "--device", "cpu", "--yes"), "no GPUs here"),
        (("--norm", "gn", "--groups", "3", "--yes"), "none of the assemblies can be built"),
    ],
    ids=str,
)
def test_what_can_not_be_swept_is_one_line(
    cli: Cli, data_flags: tuple[str, ...], words: tuple[str, ...], message: str
) -> None:
    outcome = cli("sweep", *words, *data_flags)
    assert outcome.code == (1 if "ray" in words else 2)
    assert message in " ".join(outcome.err.split())
    assert "Traceback" not in outcome.err


def test_a_wrong_baseline_is_refused_before_anything_is_timed_or_shown(
    cli: Cli, data_flags: tuple[str, ...]
) -> None:
    Path("grid.toml").write_text("[sweep]\nbaseline = 'nosuch'\n")
    outcome = cli("sweep", "--grid", "grid.toml", "--dry-run", *data_flags)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "--baseline nosuch: there is no such assembly" in outcome.err


def test_an_unknown_table_of_a_grid_file_is_named(cli: Cli) -> None:
    Path("grid.toml").write_text("[blok]\nname = 'grouped'\n")
    outcome = cli("sweep", "--grid", "grid.toml")
    assert (outcome.code, "Did you mean 'block'" in outcome.err) == (2, True)


def wait_for(condition: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def process_at_work(folder: Path) -> int | None:
    """The process that holds the lock of the run in ``folder``, wherever an executor started it."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if descriptor.readlink() == folder / ".lock":
                return int(descriptor.parts[2])
        except OSError:
            continue
    return None


def same_weights(left: Path, right: Path) -> bool:
    """Whether two runs have the same best weights, to the bit."""
    mine, theirs = (load_file(run / "checkpoints" / "best.safetensors") for run in (left, right))
    return mine.keys() == theirs.keys() and all(
        mine[name].tobytes() == theirs[name].tobytes() for name in mine
    )


def measured(run: Path) -> list[dict[str, str]]:
    """The history without what the clock measured."""
    with (run / "history.csv").open(newline="") as file:
        return [
            {key: value for key, value in row.items() if "second" not in key} for row in csv.DictReader(file)
        ]


LONG = ("--epochs", "30", "--yes", "--threads", "1", "--name", "k")


@pytest.fixture(scope="module")
def undisturbed(data_flags: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the sweep that the tests below disturb, made by ``netlab run``."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.raises(SystemExit) as leaving:
            main(["run", "--name", "undisturbed", *LONG[:2], *data_flags])
    assert leaving.value.code == 0
    return folder / "runs" / "undisturbed"


def start(words: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "netlab", *words], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the workers in /proc")
@pytest.mark.parametrize(
    "executor",
    [("local",), ("ray",), ("slurm", "--slurm", "cluster=local")],
    ids=lambda words: words[0],
)
def test_on_every_executor_a_killed_worker_s_run_resumes_and_the_results_are_the_same(
    executor: tuple[str, ...], data_flags: tuple[str, ...], tmp_path: Path, undisturbed: Path
) -> None:
    words = ("sweep", "--seeds", "1", "--workers", "1", "--executor", *executor, *LONG, *data_flags)
    sweep = start(words, tmp_path)
    (checkpoint,) = wait_for(lambda: list(tmp_path.glob("runs/*/checkpoints/last.safetensors")))
    worker = process_at_work(checkpoint.parents[1])
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    out, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 0, err + out
    assert err == ""
    assert re.search(r"waiting +\S+-s0-\w+: again, its ", out), out
    run = checkpoint.parents[1]
    assert same_weights(run, undisturbed)
    assert measured(run) == measured(undisturbed)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the workers in /proc")
def test_a_killed_sweep_leaves_no_worker_and_resumes(
    data_flags: tuple[str, ...], tmp_path: Path, undisturbed: Path
) -> None:
    words = ("sweep", "--seeds", "1", "--workers", "1", *LONG, *data_flags)
    sweep = start(words, tmp_path)
    (checkpoint,) = wait_for(lambda: list(tmp_path.glob("runs/*/checkpoints/last.safetensors")))
    run = checkpoint.parents[1]
    worker = process_at_work(run)
    sweep.send_signal(signal.SIGKILL)
    sweep.communicate(timeout=300)
    wait_for(lambda: not Path(f"/proc/{worker}").exists())

    out, err = start(words, tmp_path).communicate(timeout=300)
    assert "1 are begun and resumed" in out, err
    assert same_weights(run, undisturbed)


def test_compare_groups_other_data_and_forces_with_a_banner(cli: Cli, tiny: tuple[str, ...]) -> None:
    for name, split in (("a", "0"), ("b", "1")):
        done = cli("run", "--name", name, "--split-seed", split, *tiny, "--epochs", "1")
        assert done.code == 0, done.err
    grouped = cli("compare", "a", "b")
    assert (grouped.code, grouped.out.count("test accuracy")) == (0, 2), grouped.err
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


def test_seeds_are_added_until_every_difference_is_clear(cli: Cli, data_flags: tuple[str, ...]) -> None:
    """20 images leave a difference of .001 open, whatever is trained; one of 1 is never reached."""
    words = ("sweep", "--norm", "none,ln", "--epochs", "4", "--lr", ".05", "--yes", *data_flags)
    rule = ("--until-sure", ".001", "--seeds", "2", "--most-seeds", "3")
    outcome = cli(*words, *rule)
    assert outcome.code == 0, outcome.err
    assert "looked at with 2, 3 seeds" in " ".join(outcome.out.split())
    assert re.search(r"^ln +3 .* undecided", outcome.out, re.MULTILINE)
    first = results()
    assert len(first) == 6
    assert cli(*words, *rule).code == 0
    assert results() == first


def test_seeds_that_are_listed_are_not_added_to(cli: Cli, data_flags: tuple[str, ...]) -> None:
    outcome = cli("sweep", "--seed", "1,2", "--until-sure", ".01", "--dry-run", *data_flags)
    assert outcome.code == 2
    assert "give one" in outcome.err
    outcome = cli("sweep", "--seeds", "9", "--most-seeds", "4", "--until-sure", ".01", *data_flags)
    assert outcome.code == 2
    assert "--seeds 9 is more than --most-seeds 4" in outcome.err
