"""The plan: what is left to do and how long it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netlab.engine.catalog import Catalog
from netlab.runs.directory import RunDirectory
from netlab.sweep.grid import expand
from netlab.sweep.plan import PlannedRun, make_plan, predict_seconds


def plan(catalog: Catalog, small_data: Path, runs: Path, **tables: Any) -> list[PlannedRun]:
    grid = {
        "data": {"name": "npz", "path": str(small_data)},
        "backbone": {"width": 4},
        "training": {"epochs": 1, **tables.pop("training", {})},
        **tables,
    }
    candidates = expand(catalog, grid)
    return make_plan(
        catalog, candidates, runs=runs, data_dir=Path("data"), offline=True, device="cpu", threads=1
    )  # fmt: skip


def test_candidates_of_the_same_configuration_are_one_run(
    catalog: Catalog, small_data: Path, tmp_path: Path
) -> None:
    # 2 is the default number of paths
    planned = plan(catalog, small_data, tmp_path, block={"name": "grouped", "paths": [2, 2, 3]})
    assert len(planned) == 2


def test_another_number_of_epochs_is_another_run(catalog: Catalog, small_data: Path, tmp_path: Path) -> None:
    planned = plan(catalog, small_data, tmp_path, training={"epochs": [1, 2]})
    assert len({run.name for run in planned}) == 2


def test_more_epochs_and_wider_networks_take_longer(
    catalog: Catalog, small_data: Path, tmp_path: Path
) -> None:
    short, long = plan(catalog, small_data, tmp_path, training={"epochs": [1, 100]})
    assert long.seconds > short.seconds > 0
    narrow, wide = plan(catalog, small_data, tmp_path, backbone={"width": [4, 64]})
    assert wide.seconds > narrow.seconds


def test_an_assembly_that_can_not_be_built_is_a_problem_of_its_own(
    catalog: Catalog, small_data: Path, tmp_path: Path
) -> None:
    good, bad = plan(catalog, small_data, tmp_path, norm={"name": ["bn", "gn"], "groups": 3})
    assert not good.problem
    assert "norm 'gn'" in bad.problem


def planned_run(seconds: float) -> PlannedRun:
    return PlannedRun(RunDirectory(Path("x")), {}, 0, False, seconds)


@pytest.mark.parametrize(("workers", "expected"), [(1, 60), (2, 40), (3, 30), (9, 30)])
def test_runs_are_given_out_to_the_worker_that_is_free_first(workers: int, expected: float) -> None:
    runs = [planned_run(seconds) for seconds in (20, 10, 30)]
    startup = predict_seconds([], workers)
    assert predict_seconds(runs, workers) - startup == expected
