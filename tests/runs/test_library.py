"""The library of runs: which meet a condition, what is verified, what the trash gives back."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netlab
from netlab.errors import NetlabError, UsageError
from netlab.files import write_text
from netlab.runs.config import to_toml
from netlab.runs.directory import RunDirectory, find_run, list_runs
from netlab.runs.library import remove, restore, row_of, rows_of, verify
from netlab.runs.manifest import begin_manifest, write_checked
from netlab.runs.where import parse_where
from tests.conftest import Cli

VALUES = {
    "norm": "bn",
    "test_accuracy": 0.95,
    "epochs": 20,
    "block.paths": 4,
    "stopped_early": False,
    "data": "1",
}


def make_run(
    folder: Path, name: str, *, norm: str = "bn", accuracy: float | None = 0.9, seed: int = 0
) -> Path:
    """A run as it is left, of two epochs; unfinished where it has no accuracy."""
    run = RunDirectory(folder / name)
    run.create()
    begin_manifest(run.path)
    config = {
        "run": {"name": name},
        "data": {"name": "digits", "size": 32},
        "backbone": {"name": "compact"},
        "block": {"name": "grouped", "paths": 4},
        "norm": {"name": norm},
        "training": {"epochs": 2, "seed": seed},
    }
    files: dict[str, str] = {
        "config.toml": to_toml(config),
        "history.csv": "epoch,val_accuracy\n1,0.5\n2,0.75\n",
    }
    if accuracy is not None:
        files["result.json"] = json.dumps({"test_accuracy": accuracy, "class_names": ["a", "b"]})
    write_checked(run.path, files)
    return run.path


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("norm=bn", True),
        ("norm == 'bn'", True),
        ("norm=b*", True),
        ("norm='b*'", False),  # quoted, a star is a star
        ("norm!=bn", False),
        ("norm!=gn", True),
        ("test_accuracy>.9", True),
        ("test_accuracy>0.95", False),
        ("test_accuracy>=95e-2", True),
        ("epochs<20 or epochs<=20", True),
        ("epochs=20.0", True),
        ("block.paths=4 and norm=bn", True),
        ("not norm=bn", False),
        ("not norm=gn and epochs=20", True),
        ("not (norm=gn and epochs=20)", True),
        ("norm=gn and epochs=20 or epochs=20", True),  # and binds closer than or
        ("norm=gn and (epochs=20 or epochs=20)", False),
        ("stopped_early=false", True),
        ("stopped_early=0", False),
        ("data=1", True),
        ("ap50=none", True),
        ("norm=none", False),
        ("ap50!=.5", False),  # what a run has not meets no condition
        ("ap50>0", False),
        ("norm>0", False),
    ],
)
def test_a_condition_means_what_it_says(text: str, holds: bool) -> None:
    assert parse_where(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    "text",
    ["", "norm", "norm=", "=bn", "norm=bn and", "(norm=bn", "norm=bn)", "norm=bn norm=gn", "and=1", "norm>bn",
     "norm=bn;import os", "norm<true", "'norm'=bn", "not", "(" * 5000 + "a=1", "not " * 5000 + "a=1", "a='b"],
)  # fmt: skip
def test_what_is_no_condition_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--where") as refused:
        parse_where(text)
    assert len(str(refused.value).splitlines()) == 1


COMPARISONS = st.tuples(
    st.sampled_from(["a", "b", "c"]), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(0, 3)
).map(lambda parts: " ".join(map(str, parts)))
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(COMPARISONS, st.sampled_from(["and", "or"]), COMPARISONS).map(" ".join),
    ),
    max_leaves=12,
)


@given(CONDITIONS, st.fixed_dictionaries({name: st.integers(0, 3) for name in "abc"}))
def test_conditions_are_those_of_python(text: str, values: dict[str, int]) -> None:
    expected = eval(text.replace(" = ", " == "), {}, values)  # of a text made here
    assert parse_where(text).holds(values) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_where(text).holds(VALUES)


def test_rows_say_what_is_known_and_what_is_damaged(tmp_path: Path) -> None:
    make_run(tmp_path, "good")
    make_run(tmp_path, "half", accuracy=None, seed=3)
    (make_run(tmp_path, "bad") / "result.json").write_text('{"test_accuracy": 1.0}')
    rows = {row["name"]: row for row in rows_of([tmp_path])}
    good = rows["good"]
    assert (good["kind"], good["state"], good["epochs"], good["test_accuracy"]) == ("run", "finished", 2, 0.9)
    assert (good["norm"], good["block.paths"], good["data.size"], good["seed"]) == ("bn", 4, 32, 0)
    assert rows["half"]["state"] == "unfinished, epoch 2 of 2"
    assert "test_accuracy" not in rows["half"]
    assert "bad/result.json is damaged" in rows["bad"]["state"]
    assert "test_accuracy" not in rows["bad"]


def test_listing_chooses_and_prints(cli: Cli, tmp_path: Path) -> None:
    for name, norm, accuracy in (("one", "bn", 0.95), ("two", "gn", 0.97), ("three", "bn", 0.5)):
        make_run(tmp_path / "runs", name, norm=norm, accuracy=accuracy)
    listed = cli("runs", "list", "--where", "norm=bn and test_accuracy>.9")
    assert listed.out == "state     test accuracy  norm  name\nfinished  0.9500         bn    one\n"
    rows = json.loads(cli("runs", "list", "--json", "--where", "block.paths=4").out)
    assert {row["name"] for row in rows} == {"one", "two", "three"}
    refused = cli("runs", "list", "--where", "nrm=bn")
    assert (refused.code, refused.err) == (
        2,
        "netlab: error: --where: no run has 'nrm'. Did you mean 'norm'?\n",
    )
    table = netlab.list_runs(tmp_path / "runs", where="norm=gn")
    assert (table["name"], table["test_accuracy"]) == (["two"], [0.97])


def test_a_thousand_runs_are_listed_in_a_second_of_the_processor(tmp_path: Path) -> None:
    made = [make_run(tmp_path, f"run-{number}", seed=number) for number in range(2)]
    for number in range(2, 1000):
        shutil.copytree(made[number % 2], tmp_path / f"run-{number}")
    where, began = parse_where("norm=bn and test_accuracy>.8 and seed<1"), time.process_time()
    assert len(rows_of([tmp_path], where)) == 500
    assert time.process_time() - began < 2  # half a second where it was measured


def test_verify_names_every_file_that_is_not_as_written(cli: Cli, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", "one")
    make_run(tmp_path / "runs", "two")
    whole = cli("runs", "verify", "--all")
    assert (whole.code, whole.out) == (0, "one  3 files as written\ntwo  3 files as written\n")
    assert netlab.verify_run("one") == []
    (run / "history.csv").write_text("epoch\n")
    (run / "result.json").unlink()
    (run / "separability.csv").write_text("layer\n")
    found = cli("runs", "verify", "one", "two", "--json")
    assert found.code == 1
    assert "1 of 2 not as written" in found.err
    problems = json.loads(found.out)[0]["problems"]
    assert [line.removeprefix(f"{Path('runs/one')}/") for line in problems] == [
        "history.csv is damaged: it is not what netlab wrote",
        "result.json is gone",
        "separability.csv is not listed in manifest.json",
    ]
    (run / "manifest.json").write_text("{")
    assert "manifest.json is damaged" in cli("runs", "verify", "one").out
    (run / "manifest.json").unlink()
    assert "nothing can be verified" in cli("runs", "verify", "one").out
    assert cli("runs", "verify").code == cli("runs", "verify", "one", "--all").code == 2


def test_what_is_removed_can_be_taken_back(cli: Cli, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    make_run(runs, "one", seed=1)
    removed = cli("runs", "rm", "one")
    assert removed.out.startswith(
        f"one: moved to {Path('runs/.trash/one')}; 'netlab runs restore one' takes it back\n"
    )
    assert list_runs(runs) == []
    make_run(runs, "one", seed=2)
    refused = cli("runs", "restore", "one")
    assert (refused.code, "there is a 'one' in 'runs' by now" in refused.err) == (2, True)
    time.sleep(0.02)
    assert remove(find_run("one", runs)).name == "one.2"
    assert cli("runs", "restore", "one").code == 0
    assert row_of(find_run("one", runs))["seed"] == 2  # the last that was removed
    assert verify(find_run("one", runs)).problems == ()
    with pytest.raises(UsageError, match=r"there is no 'on' in the trash of .* Did you mean 'one'"):
        restore("on", runs)


def test_a_run_that_is_worked_on_is_not_removed(tmp_path: Path) -> None:
    make_run(tmp_path, "one")
    with (
        find_run("one", tmp_path).locked(),
        pytest.raises(UsageError, match="another process is working on run"),
    ):
        remove(find_run("one", tmp_path))
    assert (tmp_path / "one").is_dir()


@pytest.mark.parametrize("name", [".lock", "plots", "checkpoints"])
def test_a_link_in_a_run_is_not_written_through(tmp_path: Path, name: str) -> None:
    run, elsewhere = RunDirectory(tmp_path / "run"), tmp_path / "elsewhere"
    run.path.mkdir()
    elsewhere.mkdir()
    write_text(elsewhere / f".a.png.{'0' * 8}-1-x.tmp", "")
    (run.path / name).symlink_to(elsewhere if name != ".lock" else elsewhere / "made")
    before = sorted(elsewhere.iterdir())

    def begin() -> Any:
        with run.locked():
            run.create()

    with pytest.raises(UsageError, match=f"{name} is a link to elsewhere"):
        begin()
    assert sorted(elsewhere.iterdir()) == before


def test_a_damaged_run_is_no_obstacle_to_the_others(tmp_path: Path) -> None:
    (make_run(tmp_path, "bad") / "config.toml").write_bytes(b"\xff")
    make_run(tmp_path, "good")
    states = {row["name"]: row["state"] for row in rows_of([tmp_path])}
    assert "config.toml is damaged" in states["bad"]
    assert states["good"] == "finished"
    with pytest.raises(NetlabError, match="damaged"):
        _ = netlab.load_run(tmp_path / "bad").config


def test_what_a_kill_left_in_a_finished_run_is_cleared(tmp_path: Path) -> None:
    run = RunDirectory(make_run(tmp_path, "one"))
    left = [run.path / name for name in (".previous", ".previous.new", "features")]
    for folder in left:
        folder.mkdir()
    run.clear()
    assert not any(folder.exists() for folder in left)
    unfinished = RunDirectory(make_run(tmp_path, "two", accuracy=None))
    (unfinished.path / "features").mkdir()
    unfinished.clear()
    assert (unfinished.path / "features").exists()
