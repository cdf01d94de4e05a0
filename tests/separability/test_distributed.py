"""Sharing the nearest points out changes no decision, and a worker holds two panels at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlab.errors import NetlabError
from netlab.executors import WorkerLostError
from netlab.executors.local import LocalExecutor
from netlab.executors.share import Share
from netlab.neighbours.operands import SortedPoints
from netlab.neighbours.tiles import class_minima, pair_minima
from netlab.separability import FeatureSpace
from netlab.separability.distributed import Files, distributed_minima, panel_rows, points_of

MEMORY = 1 << 30


def write(folder: Path, features: Any, labels: Any, **how: Any) -> Files:
    np.save(folder / "features.npy", features)
    np.save(folder / "labels.npy", labels)
    settings = {"fraction": 1.0, "seed": 0, "standardize": False, "nan": "raise", **how}
    return Files(str(folder / "features.npy"), str(folder / "labels.npy"), **settings)


def near_ties(points: int) -> tuple[Any, Any]:
    """A coarse grid of 8-bit values, so that many nearest points tie, among them copies of points."""
    rng = np.random.default_rng(0)
    features = rng.integers(0, 4, (points, 6)).astype(np.float32)
    features[points // 2 : points // 2 + 50] = features[:50]
    return features, rng.integers(0, 3, points)


def decisions(space: FeatureSpace) -> list[Any]:
    found = space.neighbours.nearest
    own, other = space.neighbours.nearest_distances
    return [found.own, found.any_own, found.all_own, found.first, found.confusion, own, other]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_decision_is_that_of_one_process(tmp_path: Path, standardize: bool, workers: int) -> None:
    features, labels = near_ties(1500)
    files = write(tmp_path, features, labels, standardize=standardize)
    with ThreadPoolExecutor(workers) as executor:
        shared = FeatureSpace(
            features, labels, standardize=standardize or None,
            minima=distributed_minima(executor, files, workers=workers, memory=MEMORY),
        )  # fmt: skip
        for mine, theirs in zip(
            decisions(shared),
            decisions(FeatureSpace(features, labels, standardize=standardize or None)),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, theirs)


def test_the_minima_are_those_of_one_process_within_the_rounding_of_products(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    features, labels = rng.normal(size=(900, 40)).astype(np.float32), rng.integers(0, 4, 900)
    files = write(tmp_path, features, labels)
    points = FeatureSpace(features, labels)._sets.sorted
    with ThreadPoolExecutor(2) as executor:
        minima = distributed_minima(executor, files, workers=2, memory=MEMORY)(points, None)
    np.testing.assert_allclose(minima, class_minima(points), rtol=1e-5)


def test_a_pair_of_panels_gives_the_minima_over_its_own_pairs_only() -> None:
    rng = np.random.default_rng(2)
    features, labels = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    space = FeatureSpace(features, labels)
    points = SortedPoints(space.matrix, space.codes, 2, panel_rows=100, device=space.matrix.device)
    first, second = (0, 100), (200, 300)
    left, right = pair_minima(points, first, second)
    x = features[points.order]
    distances = ((x[slice(*first), None] - x[None, slice(*second)]) ** 2).sum(-1)
    for k in range(2):
        columns, rows = points.codes[slice(*second)] == k, points.codes[slice(*first)] == k
        least = distances[:, columns].min(1, initial=np.inf)
        np.testing.assert_allclose(left[:, k], least, rtol=1e-5)
        np.testing.assert_allclose(right[:, k], distances[rows].min(0, initial=np.inf), rtol=1e-5)


def test_points_that_are_left_out_and_drawn_are_the_same_on_a_worker(tmp_path: Path) -> None:
    from netlab.separability.feature_sources import FeatureFiles
    from netlab.separability.settings import MeasurementSettings

    features, labels = near_ties(1200)
    features[7] = np.nan
    files = write(tmp_path, features, labels, fraction=0.5, seed=3, nan="omit")
    arrays = FeatureFiles(
        Path(files.features),
        Path(files.labels),
        None,
        None,
        MeasurementSettings(fraction=0.5, seed=3, nan="omit"),
    )
    with ThreadPoolExecutor(1) as executor:
        shared = FeatureSpace(
            arrays.features, arrays.labels, nan="omit",
            minima=distributed_minima(executor, files, workers=1, memory=MEMORY),
        )  # fmt: skip
        np.testing.assert_array_equal(
            shared.neighbours.nearest.own,
            FeatureSpace(arrays.features, arrays.labels, nan="omit").neighbours.nearest.own,
        )


def test_a_worker_with_other_files_refuses(tmp_path: Path) -> None:
    features, labels = near_ties(400)
    points = FeatureSpace(features, labels)._sets.sorted
    files = write(tmp_path, features + 1, labels)
    with ThreadPoolExecutor(1) as executor, pytest.raises(NetlabError, match="others on a worker"):
        distributed_minima(executor, files, workers=1, memory=MEMORY)(points, None)


def test_two_panels_fit_the_memory_of_a_worker(tmp_path: Path) -> None:
    features, labels = near_ties(100_000)
    points = FeatureSpace(features, labels)._sets.sorted
    memory = 142 << 20
    rows = panel_rows(points, 2, memory)
    assert 64 <= rows < 100_000
    beside = 2 * rows * 4 * (6 + 2 + 3)
    assert beside < memory
    held = points_of(write(tmp_path, features, labels), rows)
    assert held._resident is None  # no copy of the features
    with pytest.raises(NetlabError, match="a worker are too little"):
        panel_rows(points, 2, 100 << 20)


class Losing(Executor):
    """Loses the worker of some of the calls."""

    def __init__(self, times: int) -> None:
        self.times = times

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.times:
            self.times -= 1
            future.set_exception(WorkerLostError("its process was killed"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_work_of_a_lost_worker_is_done_again_but_not_for_ever(tmp_path: Path) -> None:
    features, labels = near_ties(300)
    files = write(tmp_path, features, labels)
    points = FeatureSpace(features, labels)._sets.sorted
    minima = distributed_minima(Losing(5), files, workers=1, memory=MEMORY)(points, None)
    np.testing.assert_allclose(minima, class_minima(points), rtol=1e-5, atol=1e-5)
    with pytest.raises(NetlabError, match="lost 3 times with the same work"):
        distributed_minima(Losing(10**6), files, workers=1, memory=MEMORY)(points, None)


def test_a_killed_process_changes_nothing(tmp_path: Path) -> None:
    features, labels = near_ties(2500)
    files = write(tmp_path, features, labels)
    done: list[int] = []
    with LocalExecutor(Share(workers=1, threads=1)) as executor:
        pid = executor.submit(os.getpid).result()

        def kill_once(finished: int, total: int) -> None:
            if not done:
                os.kill(pid, signal.SIGKILL)
            done.append(finished)

        shared = FeatureSpace(
            features, labels, progress=kill_once,
            minima=distributed_minima(executor, files, workers=1, memory=MEMORY),
        )  # fmt: skip
        np.testing.assert_array_equal(
            shared.neighbours.nearest.own, FeatureSpace(features, labels).neighbours.nearest.own
        )
        assert executor.submit(os.getpid).result() != pid
    assert done == sorted(done)
    assert done[-1] == 2500 * 2501 // 2
